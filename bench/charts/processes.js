import { spread } from '../statistics.js';
import { range, ratio, table } from './words.js';

export function compact({ subject, measured }) {
  const counts = Object.entries(measured).map(([processes, rounds]) => {
    const ratios = (figure) => spread(rounds.map((round, index) => round[figure] / measured[1][index][figure]));
    return {
      processes: Number(processes),
      throughput: ratios('requestsPerSecond'),
      perCpuSecond: ratios('requestsPerCpuSecond'),
      p99: ratios('p99Us'),
    };
  });
  return { subject, counts };
}

export function render({ subject, counts }) {
  const rows = counts.map(({ processes, throughput, perCpuSecond, p99 }) => [
    processes,
    range(throughput, ratio),
    range(perCpuSecond, ratio),
    range(p99, ratio),
  ]);
  const figures = table(['processes', 'throughput', 'requests per CPU second', 'p99'], rows);
  return { text: `nest-oidc: ${subject}, as a multiple of one process.\n\n${figures}`, charts: {} };
}
