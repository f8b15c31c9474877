// The application that is soaked: told the options for its OidcModule, it listens where they say, with the guard on every
// route. It answers with its CPU time (`usage`), with its memory after a collection (`collect`), and writes a `snapshot` of
// its heap.
import { CurrentUser, MemorySessionStore, OidcModule } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { writeHeapSnapshot } from 'node:v8';
import { internalOf } from '../internals.js';
import { controllerOf, createApp } from '../subjects/platform.js';
import { claims, tokens } from '../subjects/session.js';

/** Seconds. For so long it is remembered that a login was used. */
const SHORTEST_LOGIN = 60;
/** More than a process keeps opened (lib/session/recent-sessions.ts): from the first checkpoint on it is full. */
const FIRST_SESSIONS = 6000;

/** Lifetime in seconds: what is known of a session stays until then. The shorter, the sooner as much ends as begins. */
const [storeName, redisUrl, lifetime] = process.argv.slice(2);

const questions = {
  start: async (options) => {
    const session = { store: await storeOf(storeName), absoluteLifetime: Number(lifetime) };
    const module = OidcModule.forRoot({ ...options, session, login: { lifetime: SHORTEST_LOGIN } });
    const controller = controllerOf((sub) => ({ sub }), [CurrentUser('sub')]);
    const app = await createApp('fastify', controller, [module]);
    await openAndEnd(internalOf(app, 'SessionRepository'), options.issuer);
    await app.listen(Number(new URL(options.baseUrl).port), '127.0.0.1');
  },
  usage: () => process.cpuUsage(),
  collect: async () => {
    // What is there until the next turn only goes with the next collection.
    for (let collections = 0; collections < 3; collections += 1) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return process.memoryUsage();
  },
  snapshot: (path) => writeHeapSnapshot(path),
};

process.on('message', async ({ question, value }) => process.send({ answer: await questions[question](value) }));
process.on('disconnect', () => process.exit());
process.send({});

async function openAndEnd(repository, issuer) {
  for (let count = 0; count < FIRST_SESSIONS; count += 1) {
    const user = claims(issuer);
    const { session } = await repository.create(user, tokens(user));
    await repository.end(session.id, 'logout');
  }
}

async function storeOf(name) {
  if (name === 'memory') return new MemorySessionStore();
  const client = createClient({ url: redisUrl });
  client.on('error', () => undefined);
  await client.connect();
  return new RedisSessionStore(client);
}
