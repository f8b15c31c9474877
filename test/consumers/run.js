/**
 * Packs the library as it would be published and uses it in applications made from nothing but the README's example. Each
 * is type-checked, compiled, started, and a user logs in and out. Then the entry points are loaded without and with their
 * optional peers, and Jest runs a test of a CommonJS project. `--all` tries every combination: Nest 11 and 12, ES modules
 * and CommonJS, Express and Fastify, Node.js 20, 22 and 24; else a few. Node.js comes from npm.
 */
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { freePort } from '../support/free-port.js';
import { compile, tryApplication, writeApplication } from './application.js';
import { allCells, fewCells, groupByApplication, MAJORS } from './cells.js';
import { checkWithoutPeers, checkWithPeers, OPTIONAL_PEERS } from './entry-points.js';
import { tryJest, writeJestProject } from './jest.js';
import { CURRENT_NODE, findNode } from './node-versions.js';
import { startProvider } from './provider.js';
import { attempt, npmInstall, run, writeJson } from './shell.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CORE = ['common', 'core', 'platform-express', 'platform-fastify'];

async function main(isAll) {
  const workplace = await mkdtemp(join(tmpdir(), 'nest-oidc-consumers-'));
  const applications = [];
  for (const cells of groupByApplication(isAll ? allCells() : fewCells())) {
    applications.push({ ...cells[0], cells, baseUrl: `http://127.0.0.1:${await freePort()}` });
  }
  const provider = await startProvider(applications.map(({ baseUrl }) => baseUrl));
  try {
    const nodes = new Map();
    for (const { node } of applications.flatMap(({ cells }) => cells)) {
      if (!nodes.has(node)) nodes.set(node, await findNode(node));
    }
    const shared = { tarball: await pack(workplace), issuer: provider.issuer, nodes, isAll };
    const results = await Promise.all(
      MAJORS.map((major) =>
        checkMajor({
          ...shared,
          major,
          directory: join(workplace, `nest-${major}`),
          applications: applications.filter((application) => application.major === major),
        }),
      ),
    );
    if (isAll) printTable(results.flat());
    process.exitCode = results.flat().every(({ error }) => error === undefined) ? 0 : 1;
  } finally {
    provider.close();
    await rm(workplace, { recursive: true, force: true });
  }
}

async function pack(workplace) {
  await run('npm', ['pack', '--silent', '--pack-destination', workplace], { cwd: ROOT });
  const tarball = (await readdir(workplace)).find((name) => name.endsWith('.tgz'));
  return join(workplace, tarball);
}

/** All of one Nest major share an installation. What is installed later was not there for what came before. */
async function checkMajor(job) {
  const { directory, major, applications, isAll } = job;
  const results = [];
  const report = async (what, action, cell) => {
    const outcome = { major, what, cell, ...(await attempt(action)) };
    console.log(`${mark(outcome)} Nest ${major}, ${what}: ${outcome.error ?? outcome.value} (${duration(outcome)})`);
    results.push(outcome);
    return outcome.error === undefined;
  };
  if (!(await report('installed', () => install(job)))) return results;
  for (const application of applications) await checkApplication(job, application, report);
  const nodes = isAll ? [...job.nodes.values()] : [job.nodes.get(CURRENT_NODE)];
  await report('without optional peers', () => checkWithoutPeers(directory, nodes));
  // These are slow. Without --all they run once, where there is most to load: Nest 12 consists of ES modules.
  if (!isAll && major !== MAJORS.at(-1)) return results;
  await report('with optional peers', () => checkWithPeers(directory, major, nodes));
  await checkJest(job, nodes, report);
  return results;
}

async function install({ directory, major, tarball }) {
  await mkdir(directory, { recursive: true });
  await writeJson(join(directory, 'package.json'), { name: 'consumer', version: '1.0.0', private: true });
  const nest = CORE.map((name) => `@nestjs/${name}@^${major}`);
  await npmInstall(directory, [tarball, ...nest, 'reflect-metadata', 'rxjs@^7', '@types/node@^20']);
  for (const peer of OPTIONAL_PEERS) {
    const found = await stat(join(directory, 'node_modules', peer)).catch(() => undefined);
    assert(found === undefined, `${peer} was installed`);
  }
  return `from the tarball, without ${OPTIONAL_PEERS.join(', ')}`;
}

async function checkApplication({ directory, issuer, nodes }, application, report) {
  const { system, platform, baseUrl, cells } = application;
  const home = join(directory, `${system}-${platform}`);
  const isCompiled = await report(`${system}, ${platform}`, async () => {
    await writeApplication(home, application, baseUrl);
    await compile(home);
    return 'types';
  });
  for (const cell of cells) {
    const node = nodes.get(cell.node);
    const use = async () => {
      if (!isCompiled) throw new Error('was not compiled');
      await tryApplication(home, node, baseUrl, issuer);
      return 'login, protected page, logout and shutdown';
    };
    await report(`${system}, ${platform}, Node.js ${node.version}`, use, cell);
  }
}

async function checkJest({ directory, major }, nodes, report) {
  const write = async () => {
    await writeJestProject(directory, major);
    return 'commonjs, as docs/recipes/commonjs.md says';
  };
  if (!(await report('a project with Jest', write))) return;
  for (const node of nodes) await report(`Jest, Node.js ${node.version}`, () => tryJest(directory, node));
}

function printTable(results) {
  const cells = results.filter(({ cell }) => cell !== undefined);
  const rows = cells.map((outcome) => {
    const { major, system, node, platform } = outcome.cell;
    return [`Nest ${major}`, system, `Node.js ${node}`, platform, outcome.error ? 'failed' : 'ok', duration(outcome)];
  });
  const others = results.filter(({ cell }) => cell === undefined);
  for (const outcome of others) {
    rows.push([`Nest ${outcome.major}`, outcome.what, '', '', outcome.error ? 'failed' : 'ok', duration(outcome)]);
  }
  const head = ['Nest', 'modules', 'Node.js', 'platform', 'result', 'time'];
  const widths = head.map((_name, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  console.log();
  for (const row of [head, widths.map((width) => '-'.repeat(width)), ...rows]) {
    console.log(`| ${row.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`);
  }
}

const mark = ({ error }) => (error === undefined ? '✓' : '✕');
const duration = ({ seconds }) => `${seconds.toFixed(1)} s`;

await main(process.argv.includes('--all'));
