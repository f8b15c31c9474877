import { load } from '../load.js';
import { spread } from '../statistics.js';
import { startStage } from '../soak/stage.js';
import { target } from '../target.js';

const REQUESTS = Number(process.env.BENCH_SOAK_REQUESTS ?? 10_000_000);
const STORES = (process.env.BENCH_SOAK_STORES ?? 'memory').split(',');
const SNAPSHOTS = process.env.BENCH_SOAK_SNAPSHOTS;
const CHECKPOINTS = 20;
/**
 * What comes before the first checkpoint that counts: a part of the requests, and the seconds after which as much ends in the
 * memory store as begins (its sessions' lifetime here, and the minute between its sweeps).
 */
const WARM_UP = { requests: 0.1, seconds: 120 };
const STAYING = 200;
/** Seconds. A token is due after two thirds of it, so that sessions are refreshed all the time. */
const ACCESS_TOKEN_LIFETIME = 10;
/** Sessions must not end while they are in use. */
const SESSION_LIFETIME = 60;
const LONGEST_BURST_SECONDS = 30;

/**
 * Ten million requests while people log in, are refreshed and log out: the heap after a forced collection stays as it is.
 * BENCH_SOAK_REQUESTS sets another number, BENCH_SOAK_STORES=memory,redis the stores, one after the other.
 * BENCH_SOAK_SNAPSHOTS names a folder for a snapshot of the heap at each checkpoint, to see what has grown.
 */
export async function soak({ redis, progress }) {
  const stores = [];
  for (const store of STORES) stores.push(await soakOn(store, { redis, progress }));
  return { targets: stores.map(targetOf), stores };
}

async function soakOn(store, { redis, progress }) {
  const { visitors, application, url, stop } = await startStage({
    store,
    redis,
    accessTokenLifetime: ACCESS_TOKEN_LIFETIME,
    sessionLifetime: SESSION_LIFETIME,
    execArgv: ['--expose-gc'],
  });
  try {
    await application.ask({ question: 'start', value: visitors.greeting });
    const checkpoints = await untilDone({ store, application, visitors, url, progress });
    return { store, checkpoints, ...(await visitors.ask({ command: 'count' })) };
  } finally {
    await stop();
  }
}

/** A burst of requests, and a look at the heap when everybody has left: again and again. */
async function untilDone({ store, application, visitors, url, progress }) {
  const checkpoints = [];
  const startedAt = Date.now();
  let requests = 0;
  let seconds = 2;
  while (requests < REQUESTS) {
    const burst = await underLoad({ visitors, url, seconds });
    requests += burst.requests;
    seconds = secondsFor(REQUESTS / CHECKPOINTS, burst.requests / seconds);
    const { heapUsed, external, rss } = await application.ask({ question: 'collect' });
    checkpoints.push({ requests, seconds: (Date.now() - startedAt) / 1000, heapUsed, external, rss });
    if (SNAPSHOTS) {
      await application.ask({ question: 'snapshot', value: `${SNAPSHOTS}/${store}-${requests}.heapsnapshot` });
    }
    progress(
      `${store}: ${requests} requests, heap ${(heapUsed / 1e6).toFixed(2)} MB, outside ${(external / 1e6).toFixed(2)} MB`,
    );
  }
  return checkpoints;
}

async function underLoad({ visitors, url, seconds }) {
  const cookies = await visitors.ask({ command: 'stay', value: STAYING });
  await visitors.ask({ command: 'come' });
  const burst = await load({ url, headers: {}, cookies, seconds });
  await visitors.ask({ command: 'stop' });
  await visitors.ask({ command: 'leave' });
  return burst;
}

function secondsFor(requests, requestsPerSecond) {
  return Math.max(1, Math.min(LONGEST_BURST_SECONDS, Math.round(requests / requestsPerSecond)));
}

function targetOf({ store, checkpoints, reusedRefreshTokens }) {
  const warm = checkpoints.filter(
    ({ requests, seconds }) => requests >= REQUESTS * WARM_UP.requests && seconds >= WARM_UP.seconds,
  );
  if (warm.length < 2) throw new Error('That was over before the warm-up: more requests, please.');
  const heaps = warm.map(({ heapUsed, external }) => heapUsed + external);
  return target({
    what: `heap over ${REQUESTS.toLocaleString('en')} requests, ${store} store`,
    of: 'the first checkpoint after the warm-up',
    atMost: 1.05,
    measured: { ...spread(heaps.map((heap) => heap / heaps[0])), median: heaps.at(-1) / heaps[0] },
    holds: reusedRefreshTokens === 0,
  });
}
