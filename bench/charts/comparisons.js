import { labelOf, relativeTo } from './subjects.js';
import { range, ratio, table } from './words.js';

export function compact({ measured, ratios }) {
  return {
    comparisons: ratios.map(({ subject, against }) => ({
      subject,
      against,
      ...relativeTo(measured[against], measured[subject]),
    })),
  };
}

export function render({ comparisons }) {
  const rows = comparisons.map(({ subject, against, throughput, cpu }) => [
    labelOf(subject),
    against,
    range(throughput, ratio),
    range(cpu, ratio),
  ]);
  return { text: table(['subject', 'of', 'throughput', 'CPU'], rows), charts: {} };
}
