/**
 * A target, and what was measured against it: `atLeast` or `atMost` a limit. `measured` is a spread (statistics.js), of
 * ratios wherever time is involved. `holds` is what else must be true, such as the number of commands.
 */
export function target({ what, of = '', atLeast, atMost, measured, unit = 'ratio', holds = true }) {
  const isMet = atLeast === undefined ? measured.median <= atMost : measured.median >= atLeast;
  return { what, of, ...(atLeast === undefined ? { atMost } : { atLeast }), unit, measured, met: isMet && holds };
}

/** The targets among comparisons of throughput (compare.js): those that have a limit. */
export const throughputTargets = (ratios) =>
  ratios
    .filter(({ atLeast }) => atLeast !== undefined)
    .map(({ subject, against, atLeast, throughput, hasRightCommands }) =>
      target({ what: subject, of: against, atLeast, measured: throughput, holds: hasRightCommands }),
    );

/** One line of the table of targets, for people. */
export function row({ what, of, atLeast, atMost, unit, measured, met }) {
  return {
    what,
    of,
    target: atLeast === undefined ? `≤ ${format(atMost, unit)}` : `≥ ${format(atLeast, unit)}`,
    measured: `${format(measured.median, unit)} (${format(measured.min, unit)}–${format(measured.max, unit)})`,
    met: met ? 'yes' : 'no',
  };
}

const FORMATS = {
  ratio: (value) => value.toFixed(2),
  count: (value) => String(value),
  bytes: (value) => `${Math.round(value).toLocaleString('en')} bytes`,
  ms: (value) => `${value.toFixed(1)} ms`,
};

const format = (value, unit) => FORMATS[unit](value);
