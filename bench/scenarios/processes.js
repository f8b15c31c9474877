import { CpuShare } from '../cpu-share.js';
import { spread } from '../statistics.js';
import { SubjectProcess } from '../subject-process.js';
import { target } from '../target.js';

const SUBJECT = 'fastify redis';
const COUNTS = [1, 2, 4];

/** How much of a core each process gets: four of them, Redis and the load do not use up two cores. */
const SHARE = 0.15;

/**
 * Several processes on one Redis, each under load of its own, which runs on the same machine, as Redis does.
 *
 * With all that they can take, throughput ends with the machine's cores, whatever a process does; what they cost each other
 * shows in the CPU time of a request. So that the cores are not used up, each gets a share of one and no more, where the
 * machine lets us (cpu-share.js): then throughput says whether they stand in each other's way.
 */
export async function processes({ redis, rounds, seconds, progress }) {
  const group = new Group();
  const measured = emptyRounds();
  let limited;
  try {
    await group.start(redis);
    if (group.isLimitable) limited = emptyRounds();
    await group.warmUp(Math.min(2, seconds));
    for (let round = 1; round <= rounds; round += 1) {
      for (const count of COUNTS) {
        for (const [cores, figuresOf] of [
          [Infinity, measured],
          [SHARE, limited],
        ]) {
          if (!figuresOf) continue;
          const figures = await group.measure(count, cores, seconds);
          figuresOf[count].push(figures);
          progress(`round ${round}/${rounds}  ${describe(count, cores, figures)}`);
        }
      }
    }
  } finally {
    await group.stop();
  }
  const targets = COUNTS.slice(1).map((count) =>
    limited ? throughputTarget(count, limited) : cpuTarget(count, measured),
  );
  return { targets, subject: SUBJECT, measured, ...(limited && { share: SHARE, limited }) };
}

/** The processes, and what each may take. */
class Group {
  subjects = [];
  shares = [];

  async start(redis) {
    while (this.subjects.length < Math.max(...COUNTS)) {
      const subject = await SubjectProcess.start(SUBJECT, redis);
      this.subjects.push(subject);
      this.shares.push(await CpuShare.of(subject.child.pid));
    }
  }

  get isLimitable() {
    return this.shares.every(Boolean);
  }

  async warmUp(seconds) {
    for (const subject of this.subjects) await subject.measure(seconds);
  }

  /** So many of them at once, each with so many cores. */
  async measure(count, cores, seconds) {
    await Promise.all(this.shares.map((share) => share?.limit(cores)));
    const figures = await Promise.all(this.subjects.slice(0, count).map((subject) => subject.measure(seconds)));
    const requestsPerSecond = sum(figures.map((one) => one.requestsPerSecond));
    const cpuPerSecond = sum(figures.map((one) => (one.requestsPerSecond * one.cpuUsPerRequest) / 1e6));
    return {
      requestsPerSecond,
      cpuUsPerRequest: (cpuPerSecond / requestsPerSecond) * 1e6,
      requestsPerCpuSecond: requestsPerSecond / cpuPerSecond,
      p99Us: Math.max(...figures.map((one) => one.p99Us)),
    };
  }

  async stop() {
    await Promise.all(this.subjects.map((subject) => subject.stop()));
    await Promise.all(this.shares.map((share) => share?.remove()));
  }
}

function throughputTarget(count, limited) {
  return target({
    what: `throughput, ${count} processes with ${SHARE} of a core each`,
    of: `${count} times one process`,
    atLeast: 0.9,
    measured: spread(ratios(limited, count, 'requestsPerSecond').map((ratio) => ratio / count)),
  });
}

/** Where processes cannot be limited. */
function cpuTarget(count, measured) {
  return target({
    what: `requests per CPU second, ${count} processes`,
    of: 'one process',
    atLeast: 0.9,
    measured: spread(ratios(measured, count, 'requestsPerCpuSecond')),
  });
}

const ratios = (measured, count, figure) =>
  measured[count].map((figures, round) => figures[figure] / measured[1][round][figure]);

const emptyRounds = () => Object.fromEntries(COUNTS.map((count) => [count, []]));

function describe(count, cores, { requestsPerSecond, cpuUsPerRequest }) {
  const limit = cores === Infinity ? '' : `, ${cores} of a core each`;
  return `${count} processes${limit}: ${Math.round(requestsPerSecond)} req/s, ${cpuUsPerRequest.toFixed(1)} µs CPU per request`;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
