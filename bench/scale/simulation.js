// How the token requests of many users spread over time, by the rule of the library: `node bench/scale/simulation.js`. Users log
// in within a while and then send requests at random; a token is refreshed at the first request after it is due. No clock
// runs: hours pass in seconds.
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { tokenAge } from '../../build/token/token-age.js';

const HOUR = 3600;
/** What the defaults are, with the same id for all where nothing spreads them. */
const DEFAULTS = { users: 1_000_000, tokenLifetime: 600, leeway: 300, hours: 8, spread: true };

/** Seconds between two requests of a user, and within which all users log in. */
const CASES = [
  { title: 'logins within an hour, a request a minute', requestInterval: 60, loginWindow: HOUR },
  { title: 'logins within a minute, a request a minute', requestInterval: 60, loginWindow: 60 },
  { title: 'logins within a minute, a request every 5 s', requestInterval: 5, loginWindow: 60 },
];

/** Token requests per second: on average and at the peak, in the first hour after all are logged in, and in the last one. */
export function simulate(options) {
  const { users, hours, loginWindow, ...timing } = { ...DEFAULTS, ...options };
  const perSecond = new Uint32Array(loginWindow + hours * HOUR);
  for (let user = 0; user < users; user += 1) addRefreshes(perSecond, Math.random() * loginWindow, timing);
  return {
    firstHour: summaryOf(perSecond.subarray(loginWindow, loginWindow + HOUR)),
    lastHour: summaryOf(perSecond.subarray(-HOUR)),
  };
}

function addRefreshes(perSecond, loginAt, { tokenLifetime, leeway, requestInterval, spread }) {
  const sessionId = spread ? randomBytes(3).toString('base64url') : 'same';
  const dueAfter = secondsUntilDue(sessionId, tokenLifetime, leeway);
  let refreshedAt = loginAt;
  for (;;) {
    // From any moment on, the next of requests at random comes after the same time on average.
    refreshedAt += dueAfter - requestInterval * Math.log(1 - Math.random());
    if (refreshedAt >= perSecond.length) return;
    perSecond[Math.floor(refreshedAt)] += 1;
  }
}

/** The library is asked, by halves. */
function secondsUntilDue(sessionId, tokenLifetime, leeway) {
  const expiresAt = tokenLifetime * 1000;
  let [fresh, due] = [0, expiresAt];
  while (due - fresh > 1) {
    const middle = Math.floor((fresh + due) / 2);
    const age = tokenAge({ accessToken: { issuedAt: 0, expiresAt } }, sessionId, middle, leeway * 1000);
    if (age === 'fresh') fresh = middle;
    else due = middle;
  }
  return due / 1000;
}

function summaryOf(perSecond) {
  const mean = perSecond.reduce((sum, count) => sum + count, 0) / perSecond.length;
  const peak = perSecond.reduce((most, count) => Math.max(most, count), 0);
  return { mean, peak, peakToMean: peak / mean };
}

/** Each case with the spread by session and without. */
export function simulateAll() {
  const results = [];
  for (const { title, ...options } of CASES) {
    for (const spread of [true, false]) results.push({ title, spread, ...simulate({ ...options, spread }) });
  }
  return results;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.table(
    simulateAll().map(({ title, spread, firstHour, lastHour }) => ({
      title,
      spread,
      'mean/s': Math.round(lastHour.mean),
      'first hour: peak/s': firstHour.peak,
      'peak to mean': firstHour.peakToMean.toFixed(2),
      'last hour: peak/s': lastHour.peak,
      'peak to mean, last': lastHour.peakToMean.toFixed(2),
    })),
  );
}
