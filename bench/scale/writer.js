// Fills Redis with sessions. `{ create: { from, to, sampleEvery } }` makes the sessions of these numbers, and answers with the
// cookie of every so-many-th; `'enter'` enters them into the directory.
import { ours } from '../subjects/ours.js';
import { createSessions, enterSessions } from './sessions.js';

const { app } = await ours('fastify', { redisUrl: process.env.REDIS_URL, store: 'redis' });
let range;
let ids;
let absoluteExpiresAt;

process.on('message', async (task) => {
  process.send({ answer: task === 'enter' ? await enter() : await create(task.create) });
});
process.on('disconnect', () => process.exit());
process.send({});

async function create({ sampleEvery, ...numbers }) {
  range = numbers;
  ids = Array.from({ length: range.to - range.from });
  const sample = [];
  await createSessions(app, range, ({ session, token }, number) => {
    ids[number - range.from] = session.id;
    absoluteExpiresAt = session.absoluteExpiresAt;
    if (number % sampleEvery === 0) sample.push({ number, cookie: `__Host-sid=${token}` });
  });
  return sample;
}

async function enter() {
  await enterSessions(app, range, { idOf: (number) => ids[number - range.from], absoluteExpiresAt });
}
