// npm run bench:check: a short measurement for CI. Fails when a request costs much more of the floor's CPU time than it
// should, or another number of Redis commands, in three tries. The bounds leave room for a noisy machine; what is aimed at
// stands in scenarios/requests.js. Of the other scenarios it wants what is counted and not timed, at the first try.
import { compare } from './compare.js';
import { startRedis } from './redis.js';
import { bursts } from './scenarios/bursts.js';
import { coherence } from './scenarios/coherence.js';
import { row } from './target.js';

const BOUNDS = [
  { subject: 'fastify redis users', against: 'fastify floor users', atLeast: 0.5, commands: 1 },
  { subject: 'fastify memory', against: 'fastify bare', atLeast: 0.6, commands: 0 },
];
const TRIES = 3;
const COUNTED = [
  { scenario: bursts, only: '50 × 4', trials: 6 },
  { scenario: coherence, only: '', trials: 1 },
];

const redis = await startRedis();
try {
  process.exitCode = (await isCheapEnough()) && (await countsRight()) ? 0 : 1;
} finally {
  await redis.stop();
}

async function isCheapEnough() {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const { ratios } = await compare({ redis, comparisons: BOUNDS, rounds: 2, seconds: 2 });
    for (const { subject, against, cpu, atLeast, commandsPerRequest } of ratios) {
      console.log(
        `${subject}: ${cpu.median.toFixed(2)} of ${against} (at least ${atLeast}), ` +
          `${commandsPerRequest.toFixed(2)} Redis commands`,
      );
    }
    if (ratios.every(({ cpu, atLeast, hasRightCommands }) => cpu.median >= atLeast && hasRightCommands)) return true;
  }
  return false;
}

/** Token requests for a burst; wrong answers after a logout elsewhere. */
async function countsRight() {
  const counted = [];
  for (const { scenario, ...options } of COUNTED) {
    const { targets } = await scenario({ redis, ...options, progress: () => undefined });
    counted.push(...targets.filter(({ unit }) => unit === 'count'));
  }
  console.table(counted.map(row));
  return counted.every(({ met }) => met);
}
