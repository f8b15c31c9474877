import { row } from '../target.js';
import { renderers } from './index.js';
import { provenance, table } from './words.js';

const PLACE = /(?<begin><!-- bench:(?<name>[\w-]+) -->)(?<before>.*?)(?<end><!-- \/bench:\k<name> -->)/gsu;

/**
 * The page with its generated parts made anew, between `<!-- bench:requests -->` and `<!-- /bench:requests -->`, and the
 * charts by name. `results` are those published, by scenario; `targets` is the place of all their targets. Where nothing has
 * been measured yet, the page says so.
 */
export function render(page, results) {
  const places = Array.from(page.matchAll(PLACE), ({ groups }) => groups.name);
  const homeless = Object.keys(results).filter((name) => places.indexOf(name) === -1);
  if (homeless.length > 0) throw new Error(`docs/benchmarks.md has no place for ${homeless.join(', ')}.`);
  const shown = places.filter((name) => name in results);
  const charts = {};
  const parts = { targets: targetsOf(shown.map((name) => results[name])) };
  for (const name of shown) {
    const result = results[name];
    const { text, charts: drawn } = renderers[name]?.render(result) ?? { text: tableOf(result.targets), charts: {} };
    parts[name] = `${text}\n\n${provenance(result)}`;
    Object.assign(charts, drawn);
  }
  return {
    page: page.replace(PLACE, (_match, begin, name, _before, end) =>
      [begin, parts[name] ?? 'Not measured yet.', end].join('\n\n'),
    ),
    charts,
  };
}

function targetsOf(results) {
  const targets = results.flatMap((result) => result.targets);
  if (targets.length === 0) return undefined;
  const met = targets.filter((target) => target.met).length;
  return `${met} of ${targets.length} targets are met.\n\n${tableOf(targets)}`;
}

function tableOf(targets) {
  const rows = targets.map(row).map(({ what, of, target, measured, met }) => {
    return [what, of, target, measured, met === 'yes' ? met : `**${met}**`];
  });
  return table(['what', 'of', 'target', 'median (min–max)', 'met'], rows);
}
