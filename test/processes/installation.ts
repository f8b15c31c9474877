import { transformFile } from '@swc/core';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const APP = fileURLToPath(new URL('app', import.meta.url));
const BUILD_LOCK = join(ROOT, 'dist.building');
const BUILD_DEADLINE_MS = 60_000;
const ATTEMPTS = 3;

/** The app of these tests with the built library beside it, as an application has it: `node_modules/nest-oidc`. */
export interface Installation {
  readonly main: string;
  remove(): Promise<void>;
}

/**
 * Builds the library unless `dist/` is up to date, and installs a copy of it: whoever builds meanwhile takes nothing away
 * from processes that are yet to start.
 */
export async function install(): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), 'nest-oidc-processes-'));
  const app = join(directory, 'app');
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  await copyLibrary(join(app, 'node_modules/nest-oidc'));
  await compileApp(app);
  return { main: join(app, 'main.js'), remove: () => rm(directory, { recursive: true, force: true }) };
}

/** Builds the library unless `dist/` is up to date, and copies it as npm would install it. */
export async function copyLibrary(to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await locked(async () => {
        if (!(await isUpToDate(join(ROOT, 'dist')))) await build();
        await rm(to, { recursive: true, force: true });
        await cp(join(ROOT, 'dist'), join(to, 'dist'), { recursive: true, preserveTimestamps: true });
        await cp(join(ROOT, 'package.json'), join(to, 'package.json'));
        await cp(join(ROOT, 'schematics'), join(to, 'schematics'), { recursive: true });
        if (!(await isUpToDate(join(to, 'dist')))) throw new Error('Somebody else is building the library.');
      });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await pause(5000);
    }
  }
}

/** Whether each source has its declarations, and none has changed since they were bundled. */
async function isUpToDate(dist: string): Promise<boolean> {
  const bundle = await stat(join(dist, 'index.js')).catch(() => undefined);
  const sources = (await readdir(join(ROOT, 'lib'), { recursive: true })).filter((path) => path.endsWith('.ts'));
  const fresh = sources.map(async (path) => {
    const [source, declarations] = await Promise.all([
      stat(join(ROOT, 'lib', path)),
      stat(join(dist, path.replace(/\.ts$/u, '.d.ts'))).catch(() => undefined),
    ]);
    return declarations !== undefined && bundle !== undefined && bundle.mtimeMs >= source.mtimeMs;
  });
  return (await Promise.all(fresh)).every(Boolean);
}

async function build(): Promise<void> {
  await promisify(execFile)('npm', ['run', '-s', 'build:lib'], { cwd: ROOT });
}

/** Test files run side by side: one of them builds, the others wait. */
async function locked(work: () => Promise<void>): Promise<void> {
  const giveUpAt = Date.now() + BUILD_DEADLINE_MS;
  for (;;) {
    try {
      await mkdir(BUILD_LOCK);
      break;
    } catch {
      if (Date.now() > giveUpAt) throw new Error(`Another build is under way, or left ${BUILD_LOCK} behind.`);
      await pause(100);
    }
  }
  try {
    await work();
  } finally {
    await rm(BUILD_LOCK, { recursive: true, force: true });
  }
}

async function compileApp(to: string): Promise<void> {
  await writeFile(join(to, 'package.json'), '{"type":"module"}');
  for (const file of await readdir(APP)) {
    const { code } = await transformFile(join(APP, file), {
      swcrc: false,
      module: { type: 'es6' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
    });
    await writeFile(join(to, file.replace(/\.ts$/u, '.js')), code);
  }
}
