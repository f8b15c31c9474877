import { spread } from '../statistics.js';
import { SubjectProcess } from '../subject-process.js';
import { target } from '../target.js';

const SUBJECT = 'fastify redis';
const COUNTS = [1, 2, 4];

/**
 * Several processes on one Redis, each under load of its own. The load and Redis run on the same machine, so throughput ends
 * with its cores, whatever a process does. What the processes cost each other shows in the CPU time of a request: throughput
 * per second of CPU time is what stays the same when nothing is contended.
 */
export async function processes({ redis, rounds, seconds, progress }) {
  const subjects = [];
  const measured = Object.fromEntries(COUNTS.map((count) => [count, []]));
  try {
    for (let index = 0; index < Math.max(...COUNTS); index += 1)
      subjects.push(await SubjectProcess.start(SUBJECT, redis));
    for (const subject of subjects) await subject.measure(Math.min(2, seconds));
    for (let round = 1; round <= rounds; round += 1) {
      for (const count of COUNTS) {
        const figures = await together(subjects.slice(0, count), seconds);
        measured[count].push(figures);
        progress(`round ${round}/${rounds}  ${describe(count, figures)}`);
      }
    }
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
  return { targets: COUNTS.slice(1).map((count) => targetOf(count, measured)), subject: SUBJECT, measured };
}

async function together(subjects, seconds) {
  const figures = await Promise.all(subjects.map((subject) => subject.measure(seconds)));
  const requestsPerSecond = sum(figures.map((one) => one.requestsPerSecond));
  const cpuPerSecond = sum(figures.map((one) => (one.requestsPerSecond * one.cpuUsPerRequest) / 1e6));
  return {
    requestsPerSecond,
    cpuUsPerRequest: (cpuPerSecond / requestsPerSecond) * 1e6,
    requestsPerCpuSecond: requestsPerSecond / cpuPerSecond,
    p99Us: Math.max(...figures.map((one) => one.p99Us)),
  };
}

function targetOf(count, measured) {
  const ratios = (figure) => measured[count].map((figures, round) => figures[figure] / measured[1][round][figure]);
  return target({
    what: `requests per CPU second, ${count} processes`,
    of: 'one process',
    atLeast: 0.9,
    measured: spread(ratios('requestsPerCpuSecond')),
  });
}

function describe(count, { requestsPerSecond, cpuUsPerRequest }) {
  return `${count} processes: ${Math.round(requestsPerSecond)} req/s, ${cpuUsPerRequest.toFixed(1)} µs CPU per request`;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
