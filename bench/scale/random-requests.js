import { load } from '../load.js';

/** What a request costs, in the application and in Redis, when each goes to one of these sessions. */
export async function randomRequests(subject, { cookies, seconds }) {
  const before = await used(subject);
  const { requests, durationUs, p50, p95, p99 } = await load({ url: subject.url, headers: {}, cookies, seconds });
  const after = await used(subject);
  return {
    requestsPerSecond: requests / (durationUs / 1e6),
    cpuUsPerRequest: (after.cpuUs - before.cpuUs) / requests,
    redisCpuUsPerRequest: (after.redisCpuUs - before.redisCpuUs) / requests,
    commandsPerRequest: (after.commands - before.commands) / requests,
    p50Us: p50,
    p95Us: p95,
    p99Us: p99,
  };
}

async function used(subject) {
  const { cpu } = await subject.ask('usage');
  const info = await subject.redis.client.info('cpu');
  const seconds = ['user', 'sys'].map((kind) => Number(new RegExp(`^used_cpu_${kind}:(.+)`, 'mu').exec(info)?.[1]));
  return {
    cpuUs: cpu.user + cpu.system,
    redisCpuUs: (seconds[0] + seconds[1]) * 1e6,
    commands: await subject.redis.commands(),
  };
}
