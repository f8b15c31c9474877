// npm run bench:publish: puts what was measured (bench/results) into docs/public/benchmarks/results.json, and makes the charts
// there and the generated parts of docs/benchmarks.md from it. A scenario that was not measured keeps the figures that it
// has. `-- --render` makes charts and page anew from what is published already.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { render } from './charts/page.js';
import { published } from './charts/published.js';

const MEASURED = new URL('results/', import.meta.url);
const PAGE = new URL('../docs/benchmarks.md', import.meta.url);
const PUBLIC = new URL('../docs/public/benchmarks/', import.meta.url);
const RESULTS = new URL('results.json', PUBLIC);

const { values } = parseArgs({ options: { render: { type: 'boolean', default: false } } });
await mkdir(PUBLIC, { recursive: true });
if (!values.render) await collect();
const { page, charts } = render(await readFile(PAGE, 'utf8'), await readJson(RESULTS));
await write(PAGE, page);
for (const name of await filesIn(PUBLIC, '.svg')) await rm(new URL(name, PUBLIC));
for (const [name, svg] of Object.entries(charts)) await writeFile(new URL(`${name}.svg`, PUBLIC), svg);

async function collect() {
  const results = (await filesIn(PUBLIC, 'results.json')).length > 0 ? await readJson(RESULTS) : {};
  for (const name of await filesIn(MEASURED, '.json')) {
    const result = await readJson(new URL(name, MEASURED));
    results[result.scenario] = published(result);
    console.log(`${result.scenario}: measured at ${result.machine.measuredAt}`);
  }
  await write(RESULTS, JSON.stringify(results));
}

async function filesIn(directory, ending) {
  return (await readdir(directory)).filter((name) => name.endsWith(ending));
}

async function readJson(url) {
  return JSON.parse(await readFile(url, 'utf8'));
}

/** Formatted as everything in this repository. */
async function write(url, text) {
  const filepath = fileURLToPath(url);
  await writeFile(url, await format(text, { ...(await resolveConfig(filepath)), filepath }));
}
