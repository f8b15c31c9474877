import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url));

/** Keep-alive requests over 16 connections from another process, for so many seconds. */
export async function load({ url, headers, seconds }) {
  const headerArgs = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-t', '1', '-c', '16', '-d', `${seconds}s`, '-s', SCRIPT, ...headerArgs, url];
  const { stdout } = await promisify(execFile)('wrk', args);
  const result = JSON.parse(stdout.trim().split('\n').at(-1));
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} requests failed at ${url}`);
  return result;
}
