// What a session costs in a MemorySessionStore: `node --expose-gc bench/scale/memory.js 100000`. Answers by how many
// bytes heap and external memory have grown for each. The first sessions fill what has a bound, such as the memo of the
// sessions that were opened last.
import { MemorySessionStore, OidcModule } from 'nest-oidc';
import { controllerOf, createApp } from '../subjects/platform.js';
import { createSessions, enterSessions } from './sessions.js';

const FIRST = 10_000;
const count = Number(process.argv[2]);
const measured = { from: FIRST, to: FIRST + count };

const module = OidcModule.forRoot({
  issuer: 'https://login.example.test',
  clientId: 'bench-client',
  clientSecret: 'a-client-secret-that-is-never-sent',
  baseUrl: 'https://app.example.test',
  secret: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32',
  session: { store: new MemorySessionStore({ maxSessions: measured.to }) },
});
const app = await createApp(
  'fastify',
  controllerOf(() => ({})),
  [module],
);
await app.init();

await createSessions(app, { from: 0, to: FIRST }, () => undefined);
// The store has these strings as well: a reference to each is all that is kept here, and there from the beginning.
const ids = Array.from({ length: count }, () => '');
let absoluteExpiresAt;
const before = await occupied();
await createSessions(app, measured, ({ session }, number) => {
  ids[number - FIRST] = session.id;
  absoluteExpiresAt = session.absoluteExpiresAt;
});
const created = await occupied();
await enterSessions(app, measured, { idOf: (number) => ids[number - FIRST], absoluteExpiresAt });
const entered = await occupied();

process.on('disconnect', () => process.exit());
process.send({
  answer: { sessions: count, bytesPerSession: growth(before, created), bytesInDirectory: growth(created, entered) },
});

/** What is only there until the next turn goes with the second collection. */
async function occupied() {
  for (let collections = 0; collections < 3; collections += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heapUsed, external };
}

function growth(from, to) {
  const heap = (to.heapUsed - from.heapUsed) / count;
  const external = (to.external - from.external) / count;
  return { heap, external, total: heap + external };
}
