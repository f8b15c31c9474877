/** How figures read on the page. */
export const ratio = (value) => value.toFixed(2);
export const percent = (value) => `${Math.round(value * 100)} %`;
export const count = (value) => value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });
export const ms = (value) => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
export const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;

/** A spread as median and range; nothing was measured: a dash. */
export function range(measured, format) {
  if (!measured) return '–';
  const { median, min, max } = measured;
  const [middle, least, greatest] = [median, min, max].map(format);
  return least === greatest ? middle : `${middle} (${withoutUnit(least)}–${withoutUnit(greatest)})`;
}

const withoutUnit = (figure) => figure.replace(/ \D+$/u, '');

/** A table in Markdown. */
export function table(columns, rows) {
  return [columns, columns.map(() => '---'), ...rows].map(tableRow).join('\n');
}

const tableRow = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;

export const image = (name, alternative) => `![${alternative}](public/benchmarks/${name}.svg)`;

const OFFICIAL = { rounds: 5, seconds: 5, trials: 100 };

/** Where, when and how long: below the figures of a scenario. */
export function provenance({ machine, options }) {
  const { measuredAt, cpu, cores, memoryBytes, node, redis, loadBefore } = machine;
  const facts = [
    `${cpu}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GB`,
    `Node.js ${node.replace(/^v/u, '')}`,
    `Redis ${redis}`,
    `load before ${ratio(loadBefore)}`,
    `\`--rounds ${options.rounds} --seconds ${options.seconds} --trials ${options.trials}${options.only ? ` --only '${options.only}'` : ''}\``,
  ];
  const isShort = Object.entries(OFFICIAL).some(([name, least]) => options[name] < least) || options.only;
  const when = `Measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC on ${facts.join('; ')}.`;
  return isShort ? `**A short trial, no official run.** ${when}` : when;
}
