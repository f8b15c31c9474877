import { setTimeout as pause } from 'node:timers/promises';
import { Pair } from '../coherence/pair.js';
import { ACTIONS, disturbedTrial, trial } from '../coherence/trial.js';
import { spread } from '../statistics.js';
import { target } from '../target.js';

/** Of each action, for one of `trials`. */
const TRIALS = 100 / ACTIONS.length;
const DISTURBED_TRIALS = 10 / ACTIONS.length;
const SEEN_WITHIN_MS = 50;
const PROGRESS_MS = 8000;

/**
 * Two processes with a process cache: how soon a logout, a back-channel logout and a refresh on the one are seen on the
 * other, a hundred of them for one of `trials`; and whether the past is ever shown when connections are cut and Redis stands
 * still meanwhile. `only` leaves actions out.
 */
export async function coherence({ redis, only, trials, progress }) {
  const pair = await Pair.start(redis);
  const actions = ACTIONS.filter((action) => action.includes(only));
  try {
    const healthy = await series(actions, Math.ceil(trials * TRIALS), (action) => trial(pair, action), progress);
    const disturb = disturbances(redis);
    const run = (action) => disturbedTrial(pair, action, disturb);
    const disturbed = await series(actions, Math.ceil(trials * DISTURBED_TRIALS), run, progress, ', disturbed');
    const figures = actions.map((action) => figuresOf(action, healthy[action], disturbed[action]));
    return { targets: figures.flatMap(targetsOf), coherence: figures };
  } finally {
    await pair.stop();
  }
}

/** The actions in turn, so that what the machine does to one it does to all. */
async function series(actions, count, run, progress, how = '') {
  const results = Object.fromEntries(actions.map((action) => [action, []]));
  let shownAt = performance.now();
  for (let index = 1; index <= count; index += 1) {
    for (const action of actions) results[action].push(await run(action));
    if (index < count && performance.now() - shownAt < PROGRESS_MS) continue;
    progress(`trial ${index}/${count}${how}`);
    shownAt = performance.now();
  }
  return results;
}

/** In turn: every connection is cut, but for the one of the bench; Redis stands still. */
function disturbances(redis) {
  let count = 0;
  return async () => {
    count += 1;
    if (count % 4 > 0) return redis.client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    const pid = Number(/process_id:(\d+)/u.exec(await redis.client.info('server'))[1]);
    process.kill(pid, 'SIGSTOP');
    await pause(20 + Math.random() * 80);
    return process.kill(pid, 'SIGCONT');
  };
}

function figuresOf(action, healthy, disturbed) {
  const stale = healthy.map(({ staleMs }) => staleMs);
  return {
    action,
    trials: healthy.length,
    staleMs: spread(stale),
    seenMs: spread(healthy.map(({ seenMs }) => seenMs)),
    /** Trials in which the other process showed the past at least once. */
    staleAtAll: stale.filter((ms) => ms > 0).length,
    relapses: sum(healthy.map(({ relapses }) => relapses)),
    disturbedTrials: disturbed.length,
    disturbedWrong: sum(disturbed.map(({ wrong }) => wrong)),
    disturbedUnavailable: sum(disturbed.map(({ unavailable }) => unavailable)),
  };
}

/** The slowest counts, and the past must never come back. */
function targetsOf({ action, staleMs, relapses, disturbedWrong }) {
  return [
    target({
      what: `${action} elsewhere, process cache`,
      of: 'last time the past was shown',
      atMost: SEEN_WITHIN_MS,
      measured: staleMs,
      unit: 'ms',
      holds: staleMs.max <= SEEN_WITHIN_MS && relapses === 0,
    }),
    target({
      what: `${action} elsewhere, connections cut`,
      of: 'wrong answers',
      atMost: 0,
      measured: spread([disturbedWrong]),
      unit: 'count',
    }),
  ];
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
