import { spread } from './statistics.js';
import { SubjectProcess } from './subject-process.js';

/** Until V8 has compiled what is hot: after two seconds it has not, when the machine is slow. */
const WARM_UP_SECONDS = 5;

/**
 * All subjects in turn (A B A B …), so many rounds: what the machine does to one it does to all. Each turn is a new process:
 * where its code and its heap come to lie makes a difference of ten percent and more, which stays as long as it lives. A
 * comparison names a subject and what it is measured against, and may name the `commands` that a request costs Redis, or
 * `mostCommands`, where requests at once may share one.
 */
export async function compare({ redis, comparisons, rounds, seconds, connections, progress = () => undefined }) {
  const names = [...new Set(comparisons.flatMap(({ subject, against }) => [against, subject]))];
  const measured = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of names) {
      const figures = await measureAnew(name, { redis, seconds, connections });
      measured[name].push(figures);
      progress(`round ${round}/${rounds}  ${describe(name, figures)}`);
    }
  }
  return { measured, ratios: comparisons.map((comparison) => ratiosOf(comparison, measured)) };
}

async function measureAnew(name, { redis, seconds, connections }) {
  const subject = await SubjectProcess.start(name, redis, { connections });
  try {
    await subject.load(WARM_UP_SECONDS);
    const figures = await subject.measure(seconds);
    return { ...figures, heapUsedBytes: await subject.heapUsedBytes() };
  } finally {
    await subject.stop();
  }
}

function ratiosOf({ subject, against, atLeast, commands, mostCommands = commands }, measured) {
  const ratios = (figure, invert) =>
    spread(
      measured[subject].map((figures, round) => {
        const ratio = figures[figure] / measured[against][round][figure];
        return invert ? 1 / ratio : ratio;
      }),
    );
  const commandsPerRequest = spread(measured[subject].map((figures) => figures.commandsPerRequest)).median;
  return {
    subject,
    against,
    atLeast,
    throughput: ratios('requestsPerSecond'),
    /** CPU time of the other for one of ours: the steadier figure. */
    cpu: ratios('cpuUsPerRequest', true),
    commandsPerRequest,
    hasRightCommands: isWithin(commandsPerRequest, { least: commands, most: mostCommands }),
  };
}

/** Housekeeping adds a little. */
const isWithin = (figure, { least = 0, most = Number.POSITIVE_INFINITY }) =>
  figure > least - 0.05 && figure < most + 0.05;

function describe(name, { requestsPerSecond, cpuUsPerRequest, p99Us }) {
  return `${name.padEnd(16)} ${Math.round(requestsPerSecond)} req/s  ${cpuUsPerRequest.toFixed(1)} µs CPU  p99 ${(p99Us / 1000).toFixed(1)} ms`;
}
