import { RedisSessionStore } from 'nest-oidc/redis';
import { startStage } from '../soak/stage.js';
import { redisCosts } from './redis-costs.js';

const PEOPLE = 100;
const TOUCHES = 5000;
/** Seconds. Long enough for all to log in and to look at a page before the first token is due, after two thirds of it. */
const ACCESS_TOKEN_LIFETIME = 30;
/** Seconds. A session is not touched more often than every minute, if it lives for ten or more. */
const SESSION_LIFETIME = 3600;
const DUE_AFTER_MS = 21_000;
/** What goes on beside the requests is over by then. */
const SETTLED_AFTER_MS = 1000;

/** What a login, a request, a refresh, a logout and a slide of the idle timeout cost Redis and the application, each over many. */
export async function actionCosts(redis) {
  const { visitors, application, stop } = await startStage({
    store: 'redis',
    redis,
    accessTokenLifetime: ACCESS_TOKEN_LIFETIME,
    sessionLifetime: SESSION_LIFETIME,
  });
  const costs = async (command, value) => {
    const before = await application.ask({ question: 'usage' });
    const inRedis = await redisCosts(redis, PEOPLE, async () => {
      await visitors.ask({ command, value });
      await pause(SETTLED_AFTER_MS);
    });
    const after = await application.ask({ question: 'usage' });
    const applicationCpuUs = (after.user + after.system - before.user - before.system) / PEOPLE;
    return { ...inRedis, applicationCpuUs };
  };
  try {
    await application.ask({ question: 'start', value: visitors.greeting });
    const login = await costs('stay', PEOPLE);
    const request = await costs('look');
    await pause(DUE_AFTER_MS);
    const requestAndRefresh = await costs('look');
    const { refreshes } = await visitors.ask({ command: 'count' });
    if (refreshes !== PEOPLE) throw new Error(`${refreshes} of ${PEOPLE} tokens were refreshed.`);
    return { login, request, requestAndRefresh, logout: await costs('leave'), touch: await touchCosts(redis) };
  } finally {
    await stop();
  }
}

/** Many at a time: what Redis needs beside the commands is shared by many, as under load. */
async function touchCosts(redis) {
  const store = new RedisSessionStore(redis.client);
  const now = Date.now();
  const session = { data: Buffer.alloc(2500), generation: 1, expiresAt: now + 60_000, lastSeenAt: now };
  await store.create('touched', session);
  // Redis learns the script.
  await store.touch('touched', session.expiresAt, now);
  return redisCosts(redis, TOUCHES, () =>
    Promise.all(Array.from({ length: TOUCHES }, () => store.touch('touched', session.expiresAt, now))),
  );
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
