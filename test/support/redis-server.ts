import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

export interface RedisServerOptions {
  /** Keeps what was written across `stop` and `start`, with every write on disk before it is answered. @default false */
  readonly persistent?: boolean;
  /** Further arguments of `redis-server`. */
  readonly args?: readonly string[];
}

/**
 * A real `redis-server` on a free port of its own, to be stopped, started again and frozen at will.
 * It ends with the process that started it, however that one ends.
 */
export class RedisServer {
  private server: ChildProcess | undefined;
  private guardian: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly options: RedisServerOptions,
  ) {}

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'nest-oidc-redis-'));
    const redis = new RedisServer(await freePort(), directory, options);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again after {@link stop}, on the same port. */
  async start(): Promise<void> {
    const { persistent = false, args = [] } = this.options;
    const durability = persistent ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
    const where = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.directory];
    const server = spawn('redis-server', [...where, '--save', '', ...durability, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.server = server;
    this.guardian = guard(server);
    await untilReady(server);
  }

  /** Ends it as a crash does; what is not on disk is lost. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
    this.guardian?.kill('SIGKILL');
  }

  /** Freezes it: connections stay open, nothing is answered. */
  pause(): void {
    this.server?.kill('SIGSTOP');
  }

  resume(): void {
    this.server?.kill('SIGCONT');
  }

  /** Stops it for good and removes its files. */
  async dispose(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Jest ends workers without their exit handlers, so a shell waits for its input to close, and then kills the server. */
export function guard(server: ChildProcess): ChildProcess {
  const guardian = spawn('sh', ['-c', `cat > /dev/null; kill -9 ${server.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guardian.unref();
  return guardian;
}

async function untilReady(server: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`redis-server ended:\n${log}`)));
    server.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Ready to accept connections')) resolve();
    });
  });
}
