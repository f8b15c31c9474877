import { setTimeout as pause } from 'node:timers/promises';

/** What happens on one process and must show on the other. */
export const ACTIONS = ['logout', 'back-channel logout', 'refresh'];

/** Requests once the other process has shown it: it must not show the past again. */
const AFTERWARDS = 3;
/** Nobody waits longer than this for what never comes. */
const LIMIT_MS = 5000;

/**
 * Something happens on one process; the other is asked again and again from when that was answered. Answers for how long
 * it still showed the past (0: not once), when it showed the present, and how often it showed the past after that.
 */
export async function trial(pair, action) {
  const user = await pair.logIn();
  const expected = await pair.act(action, user);
  const actedAt = performance.now();
  const shown = { staleMs: 0, seenMs: undefined, relapses: 0 };
  while (shown.seenMs === undefined) {
    const isRight = shows(await pair.see(user.cookie), expected);
    const ms = performance.now() - actedAt;
    if (isRight) shown.seenMs = ms;
    else if (ms > LIMIT_MS) throw new Error(`The other process has not seen a ${action} in ${LIMIT_MS} ms.`);
    else shown.staleMs = ms;
  }
  for (let request = 0; request < AFTERWARDS; request += 1)
    if (!shows(await pair.see(user.cookie), expected)) shown.relapses += 1;
  return shown;
}

/**
 * The same while connections are cut or Redis stands still, just before it happens, in the middle of it or just after it.
 * Answers how often the other process showed the past more than 50 ms later. That it cannot tell (503) is no wrong answer.
 */
export async function disturbedTrial(pair, action, disturb) {
  const user = await pair.logIn();
  const disturbed = pause(Math.random() * 8).then(disturb);
  await pause(Math.random() * 5);
  const expected = await pair.act(action, user);
  if (action === 'refresh') await pair.refreshWritten(user);
  const actedAt = performance.now();
  const shown = { wrong: 0, unavailable: 0 };
  for (let right = 0; right < AFTERWARDS;) {
    const askedAt = performance.now();
    const seen = await pair.see(user.cookie);
    if (seen.status === 503) shown.unavailable += 1;
    else if (shows(seen, expected)) right += 1;
    else if (askedAt - actedAt > 50) shown.wrong += 1;
    if (askedAt - actedAt > LIMIT_MS) throw new Error(`The other process does not show a ${action}: ${seen.status}.`);
  }
  await disturbed;
  return shown;
}

function shows(seen, expected) {
  return seen.status === expected.status && seen.token === expected.token;
}
