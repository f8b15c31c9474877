import { renderers } from './index.js';

/** What is published of a scenario: where it was measured, its targets, and the figures that are shown. */
export function published(result) {
  const { scenario, machine, options, targets } = result;
  return rounded({ machine, options, targets, ...renderers[scenario]?.compact(result) });
}

/** Four digits say more than a measurement can. Whole numbers are counts, and stay. */
function rounded(value) {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(4));
  if (Array.isArray(value)) return value.map(rounded);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member)]));
}
