import { RedisTraffic } from '../redis-traffic.js';

/**
 * What an action that is done so many times costs Redis each time: commands by name, those that scripts run among them (a
 * script is an `evalsha`), bytes, and microseconds of its CPU, its housekeeping
 * included.
 */
export async function redisCosts(redis, times, action) {
  const traffic = new RedisTraffic(redis);
  const before = await used(redis);
  await traffic.start();
  await action();
  const { bytesIn, bytesOut } = await traffic.stop();
  const after = await used(redis);
  return {
    commands: difference(before.calls, after.calls, times),
    bytesIn: bytesIn / times,
    bytesOut: bytesOut / times,
    cpuUs: (after.cpuUs - before.cpuUs) / times,
  };
}

async function used({ client }) {
  const stats = await client.info('commandstats');
  const calls = Object.fromEntries(
    [...stats.matchAll(/^cmdstat_(\w+):calls=(\d+)/gmu)].map(([, name, count]) => [name, Number(count)]),
  );
  const cpu = [...(await client.info('cpu')).matchAll(/^used_cpu_(?:user|sys):(.+)/gmu)];
  return { calls, cpuUs: cpu.reduce((sum, [, seconds]) => sum + Number(seconds) * 1e6, 0) };
}

function difference(before, after, times) {
  const names = Object.keys(after).filter((name) => name !== 'info' && after[name] !== (before[name] ?? 0));
  return Object.fromEntries(names.map((name) => [name, (after[name] - (before[name] ?? 0)) / times]));
}
