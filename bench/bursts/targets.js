import { spread } from '../statistics.js';
import { target } from '../target.js';

const MANY = 500;

/** The targets of a group of trials: the same requests and processes, in every state of the token. */
export function targetsOf({ count, size, trials }) {
  const burst = `${count} requests, ${size} ${size === 1 ? 'process' : 'processes'}`;
  return [...expired(burst, count, trials), ...due(burst, trials)];
}

function expired(burst, count, trials) {
  const what = `expired token, ${burst}`;
  const requests = oneTokenRequest(what, trials.expired);
  if (count === MANY) {
    const limit = (round) => trials.expired[round].providerMs + 1.25 * trials.fresh[round].p95;
    const p95 = ratios(trials.expired, (result, round) => result.p95 / limit(round));
    return [requests, target({ what: `${what}: p95`, of: 'provider + 1.25 × fresh p95', atMost: 1, measured: p95 })];
  }
  const of = 'token request';
  const [p50, slowest] = ['p50', 'slowest'].map((figure) =>
    ratios(trials.expired, (result) => result[figure] / result.tokenRequestMs),
  );
  return [
    requests,
    target({ what: `${what}: p50`, of, atMost: 1.3, measured: p50 }),
    target({ what: `${what}: slowest`, of, atMost: 1.5, measured: slowest }),
  ];
}

function due(burst, trials) {
  const what = `due token, ${burst}`;
  const p95 = ratios(trials.due, (result, round) => result.p95 / trials.fresh[round].p95);
  return [
    oneTokenRequest(what, trials.due),
    target({ what: `${what}: p95`, of: 'fresh p95', atMost: 1.1, measured: p95 }),
  ];
}

/** In every trial, and everybody was served. */
function oneTokenRequest(what, results) {
  const measured = spread(results.map(({ tokenRequests }) => tokenRequests));
  const holds = results.every(
    ({ tokenRequests, refreshes, failed, isLoggedOut }) =>
      tokenRequests === 1 && refreshes === 1 && failed === 0 && !isLoggedOut,
  );
  return target({ what: `${what}: token requests`, atMost: 1, measured, unit: 'count', holds });
}

function ratios(results, ratio) {
  return spread(results.map((result, round) => ratio(result, round)));
}
