import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** From the start of the process to the first answer with status 200: milliseconds, and those of CPU time. */
export async function timeToAnswer({ entry, env }) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(new URL(entry, import.meta.url))], {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const ended = exited.then(([code]) => Promise.reject(new Error(`${entry} has ended with code ${code}.`)));
    const [port] = await Promise.race([once(child.stdout, 'data'), ended]);
    const response = await responseOf(`http://127.0.0.1:${Number(port)}/me`);
    const ms = performance.now() - startedAt;
    if (response.statusCode !== 200) throw new Error(`${entry} answered ${response.statusCode}.`);
    const { user, system } = await json(response);
    return { ms, cpuMs: (user + system) / 1000 };
  } finally {
    child.kill();
    await exited;
  }
}

async function responseOf(url) {
  const [response] = await once(get(url, { agent: false }), 'response');
  return response;
}
