import { spread } from './statistics.js';
import { SubjectProcess } from './subject-process.js';

/** Until V8 has compiled what is hot: after two seconds it has not, when the machine is slow. */
const WARM_UP_SECONDS = 5;

/**
 * All subjects in turn (A B A B …), so many rounds: what the machine does to one it does to all. A comparison names a
 * subject and what it is measured against, and may name the `commands` that a request may cost Redis.
 */
export async function compare({ redis, comparisons, rounds, seconds, progress = () => undefined }) {
  const names = [...new Set(comparisons.flatMap(({ subject, against }) => [against, subject]))];
  const subjects = [];
  try {
    for (const name of names) {
      subjects.push(await SubjectProcess.start(name, redis));
      progress(`started ${name}`);
    }
    for (const subject of subjects) {
      await subject.measure(Math.min(WARM_UP_SECONDS, 2 * seconds));
      progress(`warm     ${subject.name}`);
    }
    const measured = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const subject of subjects) {
        const figures = await subject.measure(seconds);
        measured[subject.name].push(figures);
        progress(`round ${round}/${rounds}  ${describe(subject.name, figures)}`);
      }
    }
    for (const subject of subjects) {
      const heapUsedBytes = await subject.heapUsedBytes();
      for (const figures of measured[subject.name]) Object.assign(figures, { heapUsedBytes });
    }
    return { measured, ratios: comparisons.map((comparison) => ratiosOf(comparison, measured)) };
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
}

function ratiosOf({ subject, against, atLeast, commands }, measured) {
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
    hasRightCommands: commands === undefined || Math.abs(commandsPerRequest - commands) < 0.05,
  };
}

function describe(name, { requestsPerSecond, cpuUsPerRequest, p99Us }) {
  return `${name.padEnd(16)} ${Math.round(requestsPerSecond)} req/s  ${cpuUsPerRequest.toFixed(1)} µs CPU  p99 ${(p99Us / 1000).toFixed(1)} ms`;
}
