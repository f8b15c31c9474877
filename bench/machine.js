import { cpus, loadavg, totalmem } from 'node:os';

/** Where and when figures were measured: written beside each of them. */
export async function machine(redis) {
  return {
    measuredAt: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    loadBefore: loadavg()[0],
    node: process.version,
    redis: /redis_version:(\S+)/u.exec(await redis.client.info('server'))?.[1],
  };
}
