import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { canary } from '../support/canary.js';
import type { AppSettings, FromApp, ToApp } from './app/messages.js';

const START_DEADLINE_MS = 20_000;

export interface Commit {
  readonly process: string;
  readonly session: string;
  readonly at: number;
}

/** What became of a token that a process sent to the provider. */
export interface Hearing {
  readonly process: string;
  readonly token: string;
  readonly answered: boolean;
  readonly at: number;
}

/** From when to when a process could not go on. A dead one never does. */
export interface Disturbance {
  readonly process: string;
  readonly kind: 'killed' | 'frozen';
  readonly from: number;
  until: number;
}

/** A Node process with an application of its own. Ends with the process that started it, however that one ends. */
export class AppProcess {
  output = '';
  readonly commits: Commit[] = [];
  readonly hearings: Hearing[] = [];
  readonly disturbances: Disturbance[] = [];
  counts: Readonly<Record<string, number>> = {};
  private readonly exited: Promise<number | null>;
  private readonly guardian: ChildProcess;

  private constructor(
    private readonly child: ChildProcess,
    private readonly settings: AppSettings,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        canary.hear(`the output of ${settings.id}`, chunk.toString());
      });
    }
    child.on('message', (message: FromApp) => this.hear(message));
    this.exited = once(child, 'exit').then(([status]) => status as number | null);
    this.guardian = guard(child);
    void this.exited.then(() => this.guardian.kill('SIGKILL'));
  }

  static async start(main: string, settings: AppSettings): Promise<AppProcess> {
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      env: { PATH: process.env['PATH'], NO_COLOR: '1', SETTINGS: JSON.stringify(settings) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const app = new AppProcess(child, settings);
    const failed = app.exited.then(() => {
      throw new Error(`The process ended:\n${app.output}`);
    });
    failed.catch(() => undefined);
    await Promise.race([app.heard('ready', START_DEADLINE_MS), failed]);
    return app;
  }

  get id(): string {
    return this.settings.id;
  }

  get port(): number {
    return this.settings.port;
  }

  /** As a browser sees it. */
  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Sends a message and waits until it was acted upon. */
  async tell(message: ToApp): Promise<void> {
    const done = this.heard('done');
    this.child.send(message);
    await done;
  }

  /** Resolves with the next message of this kind. */
  heard(type: FromApp['type'], deadlineMs = 10_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.child.off('message', listener);
        reject(new Error(`${this.id} did not say '${type}':\n${this.output.slice(-4000)}`));
      }, deadlineMs);
      const listener = (message: FromApp): void => {
        if (message.type !== type) return;
        clearTimeout(timer);
        this.child.off('message', listener);
        resolve();
      };
      this.child.on('message', listener);
    });
  }

  /** SIGTERM: the process finishes what it has begun. Answers its exit status. */
  terminate(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.exited;
  }

  /** SIGKILL: gone at once, whatever it was at. */
  async kill(): Promise<void> {
    this.disturbances.push({ process: this.id, kind: 'killed', from: Date.now(), until: Number.POSITIVE_INFINITY });
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** SIGSTOP for a while: every thread stands still, connections stay open. */
  async freeze(ms: number): Promise<void> {
    const disturbance: Disturbance = {
      process: this.id,
      kind: 'frozen',
      from: Date.now(),
      until: Number.POSITIVE_INFINITY,
    };
    this.disturbances.push(disturbance);
    this.child.kill('SIGSTOP');
    await pause(ms);
    this.child.kill('SIGCONT');
    disturbance.until = Date.now();
  }

  private hear(message: FromApp): void {
    const { id } = this;
    if (message.type === 'events') this.counts = message.counts;
    if (message.type === 'committed') this.commits.push({ process: id, session: message.session, at: message.at });
    if (message.type === 'heard') {
      this.hearings.push({ process: id, token: message.token, answered: message.answered, at: message.at });
    }
  }
}

/** Jest ends workers without their exit handlers, so a shell waits for its input to close, and then kills the process. */
function guard(child: ChildProcess): ChildProcess {
  const guardian = spawn('sh', ['-c', `cat > /dev/null; kill -9 ${child.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  return guardian;
}
