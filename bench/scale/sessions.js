import { internalOf } from '../internals.js';
import { claims, tokens } from '../subjects/session.js';

/** So many at a time that the commands of one tick go out together. */
const CONCURRENCY = 256;

/** Makes the session of each number from `from` to before `to` as a login does, and calls `onCreated` with it. */
export function createSessions(app, { from, to }, onCreated) {
  const repository = internalOf(app, 'SessionRepository');
  return forEachNumber({ from, to }, async (number) => {
    const user = claimsOf(number);
    onCreated(await repository.create(user, tokens(user)), number);
  });
}

/** Enters these sessions, whose ids are given, into the directory as a login does: by user, and by the provider's session. */
export function enterSessions(app, { from, to }, { idOf, absoluteExpiresAt }) {
  const directory = internalOf(app, 'SessionDirectory');
  return forEachNumber({ from, to }, (number) => {
    const { sub, sid } = claimsOf(number);
    return directory.enter({ id: idOf(number), sub, sid, absoluteExpiresAt }, Date.now());
  });
}

/** A user of its own for each number, in a session of its own at the provider; both as long as in the other scenarios. */
function claimsOf(number) {
  const { sub, sid, ...others } = claims('https://login.example.test');
  const digits = String(number).padStart(sub.length, '0');
  return { ...others, sub: digits, sid: digits + sid.slice(digits.length) };
}

async function forEachNumber({ from, to }, action) {
  let next = from;
  const worker = async () => {
    while (next < to) {
      const number = next;
      next += 1;
      await action(number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, to - from) }, worker));
}
