import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { canary } from './canary.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = new URL('../../sample-app/dist/', import.meta.url);
const BUILD_LOCK = fileURLToPath(new URL('../../sample-app/.building', import.meta.url));

export const SAMPLE_SECRET = 'vB4-a-secret-that-only-tests-use-9Lq1';

/** One process (`npm run sample`), or several behind one port (`npm run sample:cluster`). */
export type Entry = 'main' | 'cluster';

export type Variables = Readonly<Record<string, string>>;

/** How a process ended. */
export interface Exit {
  /** `null` when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built sample app as a process of its own, as `npm run sample` starts it. Ends with the process that started it. */
export class Sample {
  stdout = '';
  stderr = '';
  private readonly exited: Promise<number | null>;
  private readonly guardian: ChildProcess;

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => {
        this[name] += chunk.toString();
        canary.hear(`the ${name} of the sample app`, chunk.toString());
      });
    }
    this.exited = once(child, 'close').then(([status]) => status as number | null);
    this.guardian = guard(child);
  }

  /** Starts it and waits until it says where it is. */
  static async start(variables: Variables = {}, entry: Entry = 'main'): Promise<Sample> {
    const sample = await Sample.spawn(variables, entry);
    const ended = sample.exited.then(() => {
      throw new Error(`The sample app ended:\n${sample.output}`);
    });
    const ready = eventually(() => {
      if (!sample.stdout.includes('Open http')) throw new Error(`The sample app is not up:\n${sample.output}`);
    }, 2000);
    await Promise.race([ready, ended]);
    ended.catch(() => undefined);
    return sample;
  }

  /** Starts what is not meant to come up, and waits for its end. */
  static async run(variables: Variables, entry: Entry = 'main'): Promise<Exit> {
    return (await Sample.spawn(variables, entry)).exit();
  }

  /** All that it has said. */
  get output(): string {
    return this.stdout + this.stderr;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** What it ended with, once it has. */
  async exit(): Promise<Exit> {
    const status = await this.exited;
    this.guardian.kill('SIGKILL');
    return { status, stdout: this.stdout, stderr: this.stderr };
  }

  /** Asks it to end, and waits until it has. */
  stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exit();
  }

  private static async spawn(variables: Variables, entry: Entry): Promise<Sample> {
    await built();
    const port = variables['PORT'] ?? String(await freePort());
    const child = spawn(process.execPath, [fileInDist(entry)], {
      env: { PATH: process.env['PATH'], PORT: port, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Sample(child, `http://localhost:${port}`);
  }
}

function fileInDist(entry: Entry): string {
  return fileURLToPath(new URL(`${entry}.js`, DIST));
}

/** Builds the app unless it is built. Test files run side by side: one of them builds, the others wait. */
async function built(): Promise<void> {
  if (existsSync(fileInDist('main')) && !existsSync(BUILD_LOCK)) return;
  try {
    mkdirSync(BUILD_LOCK);
  } catch {
    await eventually(() => {
      if (existsSync(BUILD_LOCK)) throw new Error(`Another build is under way, or left ${BUILD_LOCK} behind.`);
    }, 20_000);
    return;
  }
  try {
    execFileSync('npm', ['run', '-s', 'build'], { cwd: ROOT, stdio: 'inherit' });
  } finally {
    rmSync(BUILD_LOCK, { recursive: true });
  }
}

/** Jest ends workers without their exit handlers, so a shell waits for its input to close, and then kills the app. */
function guard(child: ChildProcess): ChildProcess {
  const guardian = spawn('sh', ['-c', `cat > /dev/null; kill -9 ${child.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  return guardian;
}
