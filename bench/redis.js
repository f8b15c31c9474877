import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { freePort } from '../test/support/free-port.js';

/** A Redis of our own, on a port that was free. It keeps nothing. */
export async function startRedis() {
  const directory = await mkdtemp(join(tmpdir(), 'nest-oidc-bench-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  const url = `redis://127.0.0.1:${port}`;
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  return {
    url,
    client,
    /** How many commands it has run for others. */
    async commands() {
      const stats = await client.info('commandstats');
      const counts = [...stats.matchAll(/^cmdstat_(\w+).*?calls=(\d+)/gmu)];
      return counts.filter(([, name]) => name !== 'info').reduce((sum, [, , calls]) => sum + Number(calls), 0);
    },
    async stop() {
      client.destroy();
      server.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
