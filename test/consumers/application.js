import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { Client } from './client.js';
import { CLIENT_ID, CLIENT_SECRET } from './provider.js';
import { codeBlocks, withFastify, withoutTopLevelAwait } from './readme.js';
import { run, writeJson } from './shell.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const START_DEADLINE_MS = 60_000;
const PACKAGE_TYPES = { esm: 'module', commonjs: 'commonjs' };

/** Writes the README's example into `directory`. It listens at `baseUrl`. */
export async function writeApplication(directory, { system, platform }, baseUrl) {
  await writeProject(directory, system);
  for (const { name, text } of await codeBlocks(join(ROOT, 'README.md'), ['app.module.ts', 'main.ts'])) {
    let written = text.replaceAll('listen(3000)', `listen(${new URL(baseUrl).port})`);
    if (name === 'main.ts' && platform === 'fastify') written = withFastify(written);
    if (name === 'main.ts' && system === 'commonjs') written = withoutTopLevelAwait(written);
    await writeFile(join(directory, 'src', name), written);
  }
}

/** `compilerOptions` besides those of `nest new`. */
export async function writeProject(directory, system, compilerOptions = {}) {
  await mkdir(join(directory, 'src'), { recursive: true });
  await writeJson(join(directory, 'package.json'), { private: true, type: PACKAGE_TYPES[system] });
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
      ...compilerOptions,
    },
    include: ['src'],
  });
}

/** @throws with the compiler's problems, of which `isOurs` chooses those that count */
export async function compile(directory, isOurs = () => true) {
  const problems = await run('node', [TSC, '-p', '.', '--pretty', 'false'], { cwd: directory }).then(
    () => '',
    (error) => {
      if (error.stdout === '') throw error;
      return error.stdout;
    },
  );
  const ours = problems.split(/\n(?! )/u).filter((problem) => problem !== '' && isOurs(problem));
  if (ours.length > 0) throw new Error(`does not type-check (strict, skipLibCheck off)\n${ours.join('\n')}`);
}

/** Starts the compiled application, logs a user in and out, and ends it. */
export async function tryApplication(directory, node, baseUrl, issuer) {
  const output = [];
  const application = spawn(node.path, ['dist/main.js'], {
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
    await journey(new Client(), baseUrl, issuer);
    application.kill('SIGTERM');
    const [code, signal] = await Promise.race([exited, sleep(10_000, ['not within 10 s'], { ref: false })]);
    assert(code === 0 || signal === 'SIGTERM', `SIGTERM did not end it cleanly: exit ${code ?? signal}`);
  } catch (error) {
    throw new Error(`${error.message}\n${Buffer.concat(output)}`, { cause: error });
  } finally {
    application.kill('SIGKILL');
    await exited; // the next one listens at the same port
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
