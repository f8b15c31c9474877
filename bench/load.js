import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url));

/** Keep-alive requests over so many connections from another process, for so many seconds; with these cookies in turn. */
export async function load({ url, headers, cookies = [], connections = 16, seconds }) {
  if (cookies.length === 0) return wrk({ url, headers, connections, seconds });
  const directory = await mkdtemp(join(tmpdir(), 'nest-oidc-bench-'));
  try {
    const file = join(directory, 'cookies');
    await writeFile(file, cookies.join('\n'));
    return await wrk({ url, headers, connections, seconds, file });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function wrk({ url, headers, connections, seconds, file }) {
  const headerArgs = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '-s', SCRIPT, ...headerArgs, url];
  const { stdout } = await promisify(execFile)('wrk', file ? [...args, '--', file] : args);
  const result = JSON.parse(stdout.trim().split('\n').at(-1));
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} requests failed at ${url}`);
  return result;
}
