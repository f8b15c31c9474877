import { Child } from '../child.js';

const WRITER = new URL('writer.js', import.meta.url);
const WRITERS = 2;

/**
 * Makes the sessions of these numbers in Redis, by several processes, and enters them into the directory. Answers with what
 * they occupy, and with the cookie of every so-many-th.
 */
export async function fill({ redis, from, to, sampleEvery, progress }) {
  const env = { NODE_ENV: 'production', REDIS_URL: redis.url };
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => Child.start(WRITER, [], { env })));
  const timer = setInterval(async () => progress(`${await redis.client.dbSize()} keys written`), 5000);
  try {
    const empty = await usedMemory(redis);
    const ranges = split({ from, to });
    const samples = await Promise.all(
      writers.map((writer, index) => writer.ask({ create: { ...ranges[index], sampleEvery } })),
    );
    const created = await usedMemory(redis);
    await Promise.all(writers.map((writer) => writer.ask('enter')));
    const entered = await usedMemory(redis);
    return { sample: samples.flat(), sessionBytes: created - empty, directoryBytes: entered - created };
  } finally {
    clearInterval(timer);
    await Promise.all(writers.map((writer) => writer.stop()));
  }
}

function split({ from, to }) {
  const share = Math.ceil((to - from) / WRITERS);
  return Array.from({ length: WRITERS }, (_, index) => ({
    from: from + index * share,
    to: Math.min(to, from + (index + 1) * share),
  }));
}

async function usedMemory(redis) {
  return Number(/^used_memory:(\d+)/mu.exec(await redis.client.info('memory'))?.[1]);
}
