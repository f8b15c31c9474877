import { describe, figuresOf } from '../bursts/figures.js';
import { Fleet } from '../bursts/fleet.js';
import { targetsOf } from '../bursts/targets.js';
import { naiveTrial, trial } from '../bursts/trial.js';

const STATES = ['expired', 'due', 'fresh'];
/** Every order of them, so that each comes after each other equally often: what a burst leaves to be done costs the next. */
const ORDERS = STATES.flatMap((first) =>
  STATES.filter((state) => state !== first).map((second) => [
    first,
    second,
    STATES.find((state) => state !== first && state !== second),
  ]),
);
const COUNTS = [5, 50, 500];
const SIZES = [1, 4];
const WARM_UP_TRIALS = 5;
/** For comparison, on the largest burst. */
const NAIVE = { 'no lock': 'no-lock', 'one promise per process': 'one-promise' };
const NAIVE_TRIALS = 5;
const PROGRESS_MS = 8000;

/**
 * Bursts of requests on one session whose access token is expired, due or fresh. `only` leaves bursts out whose name, such
 * as `500 × 4` for 500 requests on four processes, does not contain it.
 */
export async function bursts({ redis, only, trials, progress }) {
  progress('starts processes');
  const fleet = await Fleet.start(redis, Math.max(...SIZES));
  try {
    const groups = [];
    for (const size of SIZES) {
      for (const count of COUNTS.filter((number) => `${number} × ${size}`.includes(only)))
        groups.push(await measureGroup(fleet, { count, size, trials, progress }));
    }
    const compared = only ? [] : await measureNaive(fleet, progress);
    return {
      targets: groups.flatMap(targetsOf),
      bursts: [...groups.flatMap(({ figures }) => figures), ...compared],
    };
  } finally {
    await fleet.stop();
  }
}

/** Every state in turn, in every order, so many trials: what the machine does to one it does to all. */
async function measureGroup(fleet, { count, size, trials, progress }) {
  const processes = fleet.processes.slice(0, size);
  const cookie = await fleet.logIn();
  const results = { expired: [], due: [], fresh: [] };
  let shownAt = performance.now();
  for (let round = 1 - WARM_UP_TRIALS; round <= trials; round += 1) {
    for (const state of ORDERS[(round + WARM_UP_TRIALS) % ORDERS.length]) {
      const result = await trial(fleet, { state, processes, cookie, count });
      if (round > 0) results[state].push(result);
    }
    if (performance.now() - shownAt < PROGRESS_MS) continue;
    progress(`${count} × ${size}: trial ${round}/${trials}`);
    shownAt = performance.now();
  }
  const figures = STATES.map((state) => figuresOf({ subject: 'nest-oidc', state, count, size }, results[state]));
  for (const burst of figures) progress(describe(burst));
  return { count, size, trials: results, figures };
}

async function measureNaive(fleet, progress) {
  const [size, count] = [SIZES.at(-1), COUNTS.at(-1)];
  const figures = [];
  for (const [subject, way] of Object.entries(NAIVE)) {
    const processes = await fleet.startProcesses('naive.js', [way], size);
    const results = [];
    // The first one opens the connections.
    for (let round = 0; round <= NAIVE_TRIALS; round += 1) {
      const result = await naiveTrial(fleet, { processes, count });
      progress(`${subject}: trial ${round}/${NAIVE_TRIALS}`);
      if (round > 0) results.push(result);
    }
    await Promise.all(processes.map(({ child }) => child.stop()));
    figures.push(figuresOf({ subject, state: 'expired', count, size }, results));
    progress(describe(figures.at(-1)));
  }
  return figures;
}
