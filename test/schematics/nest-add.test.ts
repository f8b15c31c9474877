import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { copyLibrary } from '../processes/installation.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
const NEST = join(MODULES, '@nestjs/cli/bin/nest.js');
const SCHEMATICS = join(MODULES, '@angular-devkit/schematics-cli/bin/schematics.js');
const TSC = join(MODULES, 'typescript/bin/tsc');

const run = promisify(execFile);

/** A few seconds each: real programs, one after the other. */
describe('nest add nest-oidc', () => {
  let workplace: string;

  beforeAll(async () => {
    workplace = await mkdtemp(join(tmpdir(), 'nest-oidc-add-'));
    await copyLibrary(join(workplace, 'nest-oidc'));
  }, 120_000);
  afterAll(() => rm(workplace, { recursive: true, force: true }));

  it.each(['esm', 'cjs'])(
    'makes of a new application (%s) one that users log in to',
    async (type) => {
      const directory = join(workplace, type);
      await generate(workplace, type);
      await install(directory, join(workplace, 'nest-oidc'));
      await run('node', [NEST, 'add', 'nest-oidc', '--skip-install'], { cwd: directory });
      await run('node', [TSC, '-p', 'tsconfig.build.json', '--types', 'node'], { cwd: directory });
      const url = `http://localhost:${await freePort()}`;
      const provider = await TestProvider.start({ redirectUris: [`${url}/auth/callback`] });
      await writeEnvironment(directory, url, provider.issuer);
      const app = spawn('node', ['dist/main.js'], { cwd: directory, env: pathOnly(), stdio: 'ignore' });
      try {
        await usersLogIn(url);
        await doctorIsContent(directory);
        await endsInOrder(app);
      } finally {
        app.kill('SIGKILL');
        await provider.stop();
      }
    },
    120_000,
  );

  it('changes nothing when it is called again', async () => {
    const directory = join(workplace, 'esm');
    const before = await sourcesOf(directory);
    await run('node', [NEST, 'add', 'nest-oidc', '--skip-install'], { cwd: directory });
    expect(await sourcesOf(directory)).toEqual(before);
    expect(before).toContain('OidcModule.forEnv()');
  }, 60_000);
});

/** As `nest new` does, which asks no questions where nobody could answer, and then makes ES modules. */
async function generate(cwd: string, type: string): Promise<void> {
  const flags = ['--language=ts', '--package-manager=npm'];
  if (type === 'esm') await run('node', [NEST, 'new', type, '--skip-git', '--skip-install', ...flags], { cwd });
  else
    await run('node', [SCHEMATICS, '@nestjs/schematics:application', `--name=${type}`, '--type=cjs', ...flags], {
      cwd,
    });
}

/** Everything that is installed here is installed there, and the package beside it as a registry would give it. */
async function install(directory: string, packed: string): Promise<void> {
  await mkdir(join(directory, 'node_modules'));
  for (const name of await readdir(MODULES)) {
    if (!name.startsWith('.')) await symlink(join(MODULES, name), join(directory, 'node_modules', name));
  }
  await cp(packed, join(directory, 'node_modules/nest-oidc'), { recursive: true });
}

/** Three variables, in the file that the example is for; the port is the test's. */
async function writeEnvironment(directory: string, url: string, issuer: string): Promise<void> {
  const example = await readFile(join(directory, '.env.example'), 'utf8');
  const values: Readonly<Record<string, string>> = {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
  };
  const filled = example.replaceAll(/^(OIDC_[A-Z_]+)=.*$/gmu, (_line, name: string) => `${name}=${values[name]}`);
  await writeFile(join(directory, '.env'), `${filled}\nPORT=${new URL(url).port}\n`);
}

async function usersLogIn(url: string): Promise<void> {
  const browser = new Browser();
  await eventually(() => browser.open(url), 3000);
  expect(await browser.open(url)).toMatchObject({ status: 200, body: 'Hello World!' });
  const script = await browser.fetch(`${url}/profile`);
  expect(script.status).toBe(401);
  const page = await browser.navigate(`${url}/profile`);
  expect(page).toMatchObject({ status: 200, url: `${url}/profile` });
  expect(page.json()).toMatchObject({ sub: 'alice' });
}

async function doctorIsContent(directory: string): Promise<void> {
  const doctor = join(directory, 'node_modules/nest-oidc/dist/cli/main.js');
  const { stdout } = await run('node', [doctor, 'doctor', '--env-file', '.env'], { cwd: directory, env: pathOnly() });
  expect(stdout).toContain('✓ cookies: arrive as they were set');
  expect(stdout).not.toContain('✗');
  expect(stdout).not.toContain(CLIENT_SECRET);
}

async function endsInOrder(app: ChildProcess): Promise<void> {
  const exited = once(app, 'exit');
  app.kill('SIGTERM');
  // Nest's shutdown hooks run, and then the signal does what it would have done.
  expect(await exited).toEqual([null, 'SIGTERM']);
}

async function sourcesOf(directory: string): Promise<string> {
  const names = ['src/app.module.ts', 'src/app.controller.ts', 'src/main.ts', '.env.example'];
  return (await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))).join('\n');
}

function pathOnly(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] };
}
