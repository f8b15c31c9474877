import { fill } from './fill.js';
import { keyBytes } from './keys.js';

/** More sessions than a process keeps opened. */
const MANY_COOKIES = 20_000;

/**
 * Grows Redis to ever more sessions and stops at each of these sizes: what they occupy by now, and the cookies of an even
 * sample of all of them.
 */
export async function* grow({ redis, sizes, progress }) {
  let [sessions, sessionBytes, directoryBytes, sample] = [0, 0, 0, []];
  for (const size of sizes) {
    const sampleEvery = Math.max(1, size / MANY_COOKIES);
    const filled = await fill({ redis, from: sessions, to: size, sampleEvery, progress });
    sessions = size;
    sessionBytes += filled.sessionBytes;
    directoryBytes += filled.directoryBytes;
    sample = [...sample, ...filled.sample].filter(({ number }) => number % sampleEvery === 0);
    yield {
      sessions,
      bytesPerSession: (sessionBytes + directoryBytes) / sessions,
      bytesWithoutDirectory: sessionBytes / sessions,
      keys: await keyBytes(redis),
      cookies: sample.map(({ cookie }) => cookie),
    };
  }
}
