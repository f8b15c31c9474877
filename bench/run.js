// npm run bench: measures, prints the table of targets, writes bench/results/<scenario>.json. `-- requests bursts` for these
// scenarios alone, `-- --only fastify` for these subjects of them, `-- --rounds 5`, `-- --seconds 5`, `-- --trials 100`.
import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { machine } from './machine.js';
import { startRedis } from './redis.js';
import { scenarios } from './scenarios/index.js';
import { row } from './target.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    trials: { type: 'string', default: '100' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(scenarios);
const unknown = names.filter((name) => !(name in scenarios));
if (unknown.length > 0)
  throw new Error(`There is no scenario ${unknown.join(', ')}: ${Object.keys(scenarios).join(', ')}`);

const options = {
  only: values.only,
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  trials: Number(values.trials),
};
const targets = [];
for (const [index, name] of names.entries()) {
  const result = await measure(name, `${index + 1}/${names.length} ${name}`);
  targets.push(...result.targets);
}
console.table(targets.map(row));
process.exitCode = targets.every(({ met }) => met) ? 0 : 1;

/** Each scenario has a Redis of its own, and starts with an empty one. */
async function measure(name, title) {
  const started = Date.now();
  const progress = (line) => console.log(`[${title}, ${Math.round((Date.now() - started) / 1000)} s] ${line}`);
  const redis = await startRedis();
  try {
    const where = await machine(redis);
    const result = await scenarios[name]({ redis, ...options, progress });
    await save(name, { scenario: name, machine: where, options, ...result });
    return result;
  } finally {
    await redis.stop();
  }
}

async function save(name, result) {
  const directory = new URL('results/', import.meta.url);
  await mkdir(directory, { recursive: true });
  await writeFile(new URL(`${name}.json`, directory), `${JSON.stringify(result, undefined, 2)}\n`);
}
