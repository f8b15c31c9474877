import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { compile, writeProject } from './application.js';
import { SYSTEMS } from './cells.js';
import { npmInstall, run } from './shell.js';

const { exports, name, peerDependencies, peerDependenciesMeta } = JSON.parse(
  await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
);
const ENTRY_POINTS = Object.keys(exports)
  .filter((path) => exports[path].types !== undefined)
  .map((path) => path.replace('.', name));
export const OPTIONAL_PEERS = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional);

// Each entry point is loaded by a process of its own kind of module, and the outcome is a line of JSON.
const PROBES = {
  esm: `for (const entry of process.argv.slice(2)) {
    await import(entry).then(() => tell({ entry }), ({ code, message }) => tell({ entry, code, message }));
  }`,
  commonjs: `for (const entry of process.argv.slice(2)) {
    try { require(entry); tell({ entry }); } catch ({ code, message }) { tell({ entry, code, message }); }
  }`,
};
const TELL = 'const tell = (outcome) => console.log(JSON.stringify(outcome));\n';
/** As `nest new` of Nest 11 wrote it before TypeScript's `nodenext`: packages are found by `main` and `typesVersions`. */
const COMMONJS = { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' };
const EXTENSIONS = { esm: 'mjs', commonjs: 'cjs' };

/**
 * Without the optional peers the library's own entry point loads, and any other does so too, or says which of the peers
 * is missing.
 */
export async function checkWithoutPeers(directory, nodes) {
  const missing = new Map();
  for (const outcome of await loadAll(directory, nodes)) {
    if (outcome.code === undefined) continue;
    const [, peer] = /^Cannot find package '(?<peer>[^']+)' imported from /u.exec(outcome.message) ?? [];
    assert(outcome.entry !== name && outcome.code === 'ERR_MODULE_NOT_FOUND', describe(outcome));
    assert(OPTIONAL_PEERS.includes(peer), `it does not name an optional peer: ${describe(outcome)}`);
    missing.set(outcome.entry, peer);
  }
  const told = Array.from(missing, ([entry, peer]) => `${entry} asks for ${peer}`);
  return `all load, or name the peer that is missing: ${told.join(', ')}`;
}

/** With them, all load and type-check. */
export async function checkWithPeers(directory, major, nodes) {
  await npmInstall(
    directory,
    OPTIONAL_PEERS.map((peer) => `${peer}@${rangeFor(major, peerDependencies[peer])}`),
  );
  for (const outcome of await loadAll(directory, nodes)) assert(outcome.code === undefined, describe(outcome));
  await typeCheck(join(directory, 'types'), ['mts', 'cts']);
  await typeCheck(join(directory, 'types-commonjs'), ['ts'], COMMONJS);
  return `all ${ENTRY_POINTS.length} load and type-check with the ${OPTIONAL_PEERS.length} optional peers`;
}

/** Of `^11.0.0 || ^12.0.0` the one for this major of Nest; other ranges do not depend on it. */
function rangeFor(major, range) {
  return range.split(' || ').find((part) => part.startsWith(`^${major}.`)) ?? range;
}

async function loadAll(directory, nodes) {
  const outcomes = [];
  for (const system of SYSTEMS) {
    const probe = join(directory, `probe.${EXTENSIONS[system]}`);
    await writeFile(probe, TELL + PROBES[system]);
    for (const node of nodes) {
      const { stdout } = await run(node.path, [probe, ...ENTRY_POINTS]);
      const lines = stdout.trim().split('\n');
      assert.equal(lines.length, ENTRY_POINTS.length, stdout);
      for (const line of lines) outcomes.push({ ...JSON.parse(line), on: `Node.js ${node.version}, ${system}` });
    }
  }
  return outcomes;
}

/**
 * Only what is in the library's declarations counts: some peers' own do not pass a strict check, or are found by `exports`
 * alone.
 */
async function typeCheck(directory, extensions, compilerOptions) {
  await writeProject(directory, 'commonjs', compilerOptions);
  const imports = ENTRY_POINTS.map((entry, index) => `import * as entry${index} from '${entry}';`);
  const uses = ENTRY_POINTS.map((_entry, index) => `entry${index}`);
  const text = `${imports.join('\n')}\nexport const all = [${uses.join(', ')}];\n`;
  for (const extension of extensions) await writeFile(join(directory, `src/all.${extension}`), text);
  await compile(directory, (problem) => problem.startsWith('src/') || problem.includes(`node_modules/${name}/`));
}

function describe({ entry, on, code, message }) {
  return `${entry} (${on}): ${code} ${message}`;
}
