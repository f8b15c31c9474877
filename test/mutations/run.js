/**
 * Takes the defences of mutations.js out, one at a time and in copies of the library, and expects the tests named to fail:
 * a defence that can be taken out unnoticed is not tested. Prints one line for each. `-- --only name` runs those whose name
 * has that in it.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { mutations } from './mutations.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['lib', 'test', 'sample-app', 'jest.config.js', 'package.json', 'README.md'];
const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
  '--selectProjects=nest-12',
  '--reporters=default',
  '--json',
  '--forceExit',
  '--maxWorkers=1',
];
const DEADLINE_MS = 300_000;
const COPIES = Math.min(2, availableParallelism());

const run = promisify(execFile);

async function main() {
  const chosen = mutations.filter(({ name }) => name.includes(only()));
  if (chosen.length === 0) throw new Error(`No mutation is named like ${only()}.`);
  const startedAt = Date.now();
  const places = await Promise.all(Array.from({ length: COPIES }, copyOfLibrary));
  try {
    const passing = await passingTests(places, chosen);
    const waiting = [...chosen];
    const results = await Promise.all(places.map((place) => work(place, waiting, passing)));
    const failed = results.flat().filter(({ problem }) => problem);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    console.log(`${chosen.length} mutations in ${seconds} s, ${failed.length} of them with a problem`);
    for (const { name, problem } of failed) console.error(`✕ ${name}: ${problem}`);
    process.exitCode = failed.length > 0 ? 1 : 0;
  } finally {
    await Promise.all(places.map((place) => rm(place, { recursive: true, force: true })));
  }
}

function only() {
  const at = process.argv.indexOf('--only');
  return at === -1 ? '' : process.argv.slice(at + 1).join(' ');
}

async function copyOfLibrary() {
  const place = await mkdtemp(join(tmpdir(), 'nest-oidc-mutations-'));
  await Promise.all(
    COPIED.map((name) => cp(join(ROOT, name), join(place, name), { recursive: true, filter: isSource })),
  );
  await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'));
  return place;
}

function isSource(path) {
  return !path.endsWith('/dist');
}

/** Which tests pass as the library is, for each file: what fails without a mutation says nothing about one. */
async function passingTests(places, chosen) {
  const whole = new Set(chosen.flatMap(({ title, tests }) => (title === undefined ? tests : [])));
  const partly = new Set(chosen.flatMap(({ tests }) => tests.filter((file) => !whole.has(file))));
  const titles = chosen.flatMap(({ title }) => (title === undefined ? [] : [`(?:${title})`])).join('|');
  const [first] = places;
  const last = places.at(-1);
  const runs = await Promise.all([
    whole.size > 0 ? jest(first, [...whole]) : [],
    partly.size > 0 ? jest(last, [...partly], titles, 'other.json') : [],
  ]);
  return new Map(runs.flat().map(({ name, ...file }) => [name.replace(/^.*?\/(?=test\/)/u, ''), file]));
}

async function work(place, waiting, passing) {
  const results = [];
  for (let mutation = waiting.shift(); mutation; mutation = waiting.shift()) {
    const startedAt = Date.now();
    const problem = problemBefore(passing, mutation) ?? (await problemOf(place, mutation));
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    console.log(`${problem ? '✕' : '✓'} ${mutation.name} (${seconds} s)`);
    results.push({ name: mutation.name, problem });
  }
  return results;
}

function problemBefore(passing, { tests, title = '' }) {
  const pattern = new RegExp(title, 'iu');
  for (const file of tests) {
    const { assertionResults = [], message = 'no result' } = passing.get(file) ?? {};
    const meant = assertionResults.filter(({ fullName }) => pattern.test(fullName));
    if (assertionResults.length === 0) return `${file} cannot be run: ${message}`;
    if (meant.every(({ status }) => status !== 'passed')) return `${file} has no such test: ${title}`;
    if (meant.some(({ status }) => status === 'failed')) return `${file} fails without it`;
  }
  return undefined;
}

/** One of the tests must fail once the library is mutated. */
async function problemOf(place, { edits, tests, title }) {
  const originals = new Map();
  try {
    for (const { file, find, replace } of edits) {
      const path = join(place, file);
      const source = await readFile(path, 'utf8').catch(() => '');
      if (source.split(find).length !== 2) return `${file} does not have exactly once: ${find}`;
      if (!originals.has(path)) originals.set(path, source);
      await writeFile(
        path,
        source.replace(find, () => replace),
      );
    }
    const files = await jest(place, tests, title);
    const broken = files.find(({ assertionResults, message }) => assertionResults.length === 0 && message);
    if (broken || files.length < tests.length) return `the mutated library cannot be run: ${broken?.message ?? ''}`;
    const failed = files.some(({ assertionResults }) => assertionResults.some(({ status }) => status === 'failed'));
    return failed ? undefined : 'nothing noticed';
  } finally {
    await Promise.all([...originals].map(([path, source]) => writeFile(path, source)));
  }
}

/** Jest's results for each file. */
async function jest(place, tests, title, name = 'result.json') {
  const output = join(place, name);
  await rm(output, { force: true });
  const chosen = title === undefined ? [] : [`--testNamePattern=${title}`];
  const args = [...JEST, `--outputFile=${output}`, ...chosen, '--runTestsByPath', ...tests];
  await run(process.execPath, args, { cwd: place, timeout: DEADLINE_MS }).catch(() => undefined);
  return JSON.parse(await readFile(output, 'utf8').catch(() => '{"testResults":[]}')).testResults;
}

await main();
