import { spread } from '../statistics.js';

const SPREADS = ['p50', 'p95', 'slowest', 'tokenRequests', 'reused', 'providerMs', 'tokenRequestMs'];

/** What became of the trials of one kind of burst. Durations are milliseconds. */
export function figuresOf(burst, results) {
  const spreads = SPREADS.map((figure) => [figure, results.map((result) => result[figure])])
    .filter(([, values]) => values.every((value) => value !== undefined))
    .map(([figure, values]) => [figure, spread(values)]);
  return {
    ...burst,
    trials: results.length,
    ...Object.fromEntries(spreads),
    failed: spread(results.map(({ failed }) => failed)),
    loggedOut: results.filter(({ isLoggedOut }) => isLoggedOut).length,
  };
}

/** One line for people. */
export function describe({ subject, state, count, size, p50, p95, slowest, tokenRequests, failed, loggedOut }) {
  return (
    `${subject} ${state} ${count} × ${size}: p50 ${ms(p50)}, p95 ${ms(p95)}, slowest ${ms(slowest)} ms, ` +
    `${tokenRequests.max} token requests, ${failed.max} failed, ${loggedOut} logged out`
  );
}

const ms = ({ median }) => median.toFixed(1);
