/**
 * Packs the library as it would be published and uses it in applications made from nothing but the README's example: Nest
 * 11 and 12, as ES modules and as CommonJS. Each is type-checked, compiled, started, and a user logs in and out. `redis`
 * and `cache-manager` are not installed: they are optional. Prints one line for each application.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import assert from 'node:assert/strict';
import { Client } from './client.js';
import { CLIENT_ID, CLIENT_SECRET, startProvider } from './provider.js';
import { readmeFiles, withoutTopLevelAwait } from './readme.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const MAJORS = [11, 12];
const SYSTEMS = { esm: 'module', commonjs: 'commonjs' };
const START_DEADLINE_MS = 60_000;

const run = promisify(execFile);

async function main() {
  const workplace = await mkdtemp(join(tmpdir(), 'nest-oidc-consumers-'));
  const applications = [];
  for (const major of MAJORS) {
    for (const system of Object.keys(SYSTEMS)) {
      applications.push({ major, system, baseUrl: `http://127.0.0.1:${await freePort()}` });
    }
  }
  const provider = await startProvider(applications.map(({ baseUrl }) => baseUrl));
  try {
    const tarball = await pack(workplace);
    const results = await Promise.all(
      MAJORS.map((major) =>
        checkMajor(
          join(workplace, `nest-${major}`),
          major,
          tarball,
          applications.filter((application) => application.major === major),
          provider.issuer,
        ),
      ),
    );
    process.exitCode = results.flat().every(Boolean) ? 0 : 1;
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

/** Both applications of one Nest major share an installation; only their module system differs. */
async function checkMajor(directory, major, tarball, applications, issuer) {
  const installed = await attempt(() => install(directory, major, tarball));
  const results = [];
  for (const application of applications) {
    const { system } = application;
    const outcome = installed.error
      ? installed
      : await attempt(() => check(join(directory, system), application, issuer));
    console.log(`${outcome.error ? '✕' : '✓'} Nest ${major}, ${system}: ${outcome.error ?? outcome.value}`);
    results.push(outcome.error === undefined);
  }
  return results;
}

async function install(directory, major, tarball) {
  await mkdir(directory, { recursive: true });
  await writeJson(join(directory, 'package.json'), { name: 'consumer', version: '1.0.0', private: true });
  const nest = ['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@^${major}`);
  const others = ['reflect-metadata', 'rxjs@^7', '@types/node@^20'];
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...flags, tarball, ...nest, ...others], { cwd: directory });
  const names = await readdir(join(directory, 'node_modules'));
  for (const peer of ['redis', 'cache-manager']) assert(!names.includes(peer), `${peer} was installed`);
}

async function check(directory, { system, baseUrl }, issuer) {
  const began = performance.now();
  await writeApplication(join(directory, 'src'), system, new URL(baseUrl).port);
  await writeJson(join(directory, 'package.json'), { private: true, type: SYSTEMS[system] });
  await writeJson(join(directory, 'tsconfig.json'), {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      skipLibCheck: false,
      types: ['node'],
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
  });
  await compile(directory);
  await withApplication(directory, baseUrl, issuer, () => journey(new Client(), baseUrl, issuer));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  return `types, login, protected page, logout and shutdown (${seconds} s)`;
}

async function writeApplication(directory, system, port) {
  await mkdir(directory, { recursive: true });
  for (const { name, text } of await readmeFiles(join(ROOT, 'README.md'), ['app.module.ts', 'main.ts'])) {
    const onPort = text.replaceAll('listen(3000)', `listen(${port})`);
    const isEntry = system === 'commonjs' && name === 'main.ts';
    await writeFile(join(directory, name), isEntry ? withoutTopLevelAwait(onPort) : onPort);
  }
}

async function compile(directory) {
  await run('node', [TSC, '-p', directory, '--pretty', 'false']).catch(({ stdout }) => {
    throw new Error(`does not type-check (strict, skipLibCheck off)\n${stdout}`);
  });
}

async function withApplication(directory, baseUrl, issuer, use) {
  const output = [];
  const application = spawn('node', ['dist/main.js'], {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      BASE_URL: baseUrl,
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
      SESSION_SECRET: 'a-session-secret-that-only-this-test-uses-4Kq9',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(application, 'exit');
  for (const stream of [application.stdout, application.stderr]) stream.on('data', (chunk) => output.push(chunk));
  try {
    await untilServing(baseUrl, application);
    await use();
    application.kill('SIGTERM');
    const [code, signal] = await Promise.race([exited, sleep(10_000, ['not within 10 s'], { ref: false })]);
    assert(code === 0 || signal === 'SIGTERM', `SIGTERM did not end it cleanly: exit ${code ?? signal}`);
  } catch (error) {
    throw new Error(`${error.message}\n${Buffer.concat(output)}`, { cause: error });
  } finally {
    application.kill('SIGKILL');
  }
}

async function untilServing(baseUrl, application) {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (application.exitCode === null && Date.now() < deadline) {
    const home = await new Client().send('GET', `${baseUrl}/`).catch(() => undefined);
    if (home?.status === 200) return;
    await sleep(100);
  }
  throw new Error(application.exitCode === null ? 'did not start in time' : `ended with ${application.exitCode}`);
}

async function journey(client, baseUrl, issuer) {
  const page = await client.navigate(`${baseUrl}/orders`);
  assert.equal(page.status, 200, page.body);
  assert.equal(page.url, `${baseUrl}/orders`);
  const { user, tokenLength } = JSON.parse(page.body);
  assert.equal(user, 'alice');
  assert(tokenLength > 0, page.body);
  const logout = await client.send('POST', `${baseUrl}/auth/logout`, { origin: baseUrl });
  assert.equal(logout.status, 303, logout.body);
  assert(logout.headers.location.startsWith(`${issuer}/session/end?`), logout.headers.location);
  const me = await client.send('GET', `${baseUrl}/auth/me`, { accept: 'application/json', 'sec-fetch-mode': 'cors' });
  assert.equal(me.status, 401, 'still logged in after logout');
}

async function attempt(action) {
  try {
    return { value: await action() };
  } catch (error) {
    return { error: [error.message, error.stderr, error.stdout].filter(Boolean).join('\n') };
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function writeJson(path, value) {
  await writeFile(path, JSON.stringify(value, undefined, 2));
}

await main();
