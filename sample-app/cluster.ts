import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { EmbeddedProvider } from './embedded-provider/embedded-provider.js';
import { readEnvironment } from './environment.js';
import { AppLogger } from './logger.js';
import { RedisProcess } from './redis-process.js';
import { exitOnSignal } from './shutdown.js';
import { exitOnFailure } from './start-failure.js';
import { welcome } from './welcome.js';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

/**
 * `npm run sample:cluster`: several processes of the app behind one port, connections going round. What they share is
 * started here: Redis unless there is one, and the embedded provider unless there is a real one.
 */
async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  const redis = environment.redisUrl === undefined ? await RedisProcess.start() : undefined;
  const embedded = environment.client ? undefined : await EmbeddedProvider.startFor(environment);
  const { processes } = environment.demo;
  const workers = new Workers({
    SESSION_SECRET: environment.secrets.join(','),
    ...(redis && { REDIS_URL: redis.url }),
    ...(embedded && {
      OIDC_ISSUER: embedded.client.issuer,
      OIDC_CLIENT_ID: embedded.client.clientId,
      OIDC_CLIENT_SECRET: embedded.client.clientSecret,
      RESOURCE_URL: environment.resourceUrl ?? embedded.resourceUrl,
    }),
  });
  exitOnSignal(async () => {
    await workers.stop();
    await embedded?.close();
    await redis?.stop();
  });
  await workers.start(processes);
  console.log(welcome(environment, { embedded: embedded?.client.issuer, processes, redisUrl: redis?.url }));
}

/** The processes that serve. One that ends unasked is replaced. */
class Workers {
  private readonly logger = new Logger('Cluster');
  private readonly running = new Set<Worker>();
  private stopping = false;

  constructor(private readonly variables: NodeJS.ProcessEnv) {
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ exec: MAIN });
  }

  /** The first alone: what stops it would stop every other. */
  async start(count: number): Promise<void> {
    await this.add();
    await Promise.all(Array.from({ length: count - 1 }, () => this.add()));
  }

  /** Asks them to end, and waits until they have finished what they were at. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(
      [...this.running].map(async (worker) => {
        const exited = once(worker, 'exit');
        worker.process.kill('SIGTERM');
        await exited;
      }),
    );
  }

  /** Resolves when it serves. One that does not get that far has said why: the whole ends. */
  private async add(): Promise<void> {
    const worker = cluster.fork(this.variables);
    this.running.add(worker);
    const failed = (status: number | null): void => {
      if (!this.stopping) process.exit(status ?? 1);
    };
    worker.once('exit', failed);
    await once(worker, 'listening');
    worker.off('exit', failed);
    worker.once('exit', (status: number | null, signal: string | null) => this.onExit(worker, status ?? signal));
  }

  private onExit(worker: Worker, reason: number | string | null): void {
    this.running.delete(worker);
    if (this.stopping) return;
    this.logger.warn(`process ${worker.id} (pid ${worker.process.pid}) has ended (${reason}), another takes its place`);
    void this.add();
  }
}

Logger.overrideLogger(new AppLogger());
exitOnFailure(start());
