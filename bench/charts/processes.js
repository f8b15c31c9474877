import { spread } from '../statistics.js';
import { range, ratio, table } from './words.js';

export function compact({ subject, measured, share, limited }) {
  return { subject, counts: byCount(measured), ...(limited && { share, limited: byCount(limited) }) };
}

export function render({ subject, counts, share, limited }) {
  const parts = [`nest-oidc: ${subject}, as a multiple of one process.`, figures(counts)];
  if (limited) parts.push(`The same, where no process may take more than ${share} of a core:`, figures(limited));
  return { text: parts.join('\n\n'), charts: {} };
}

function byCount(measured) {
  return Object.entries(measured).map(([processes, rounds]) => {
    const ratios = (figure) => spread(rounds.map((round, index) => round[figure] / measured[1][index][figure]));
    return {
      processes: Number(processes),
      throughput: ratios('requestsPerSecond'),
      perCpuSecond: ratios('requestsPerCpuSecond'),
      p99: ratios('p99Us'),
    };
  });
}

function figures(rows) {
  return table(
    ['processes', 'throughput', 'requests per CPU second', 'p99'],
    rows.map(({ processes, throughput, perCpuSecond, p99 }) => [
      processes,
      range(throughput, ratio),
      range(perCpuSecond, ratio),
      range(p99, ratio),
    ]),
  );
}
