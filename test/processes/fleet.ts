import { Browser } from '../support/browser.js';
import { RedisServer } from '../support/redis-server.js';
import { freePort } from '../support/free-port.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';
import { AppProcess, type Commit, type Disturbance, type Hearing } from './app-process.js';
import { install, type Installation } from './installation.js';
import { hashOf, StrictProvider } from './strict-provider.js';

export interface FleetOptions {
  readonly size?: number;
  /** Seconds. */
  readonly accessTokenLifetime: number;
  /** Seconds. @default 10 */
  readonly providerTimeout?: number;
  /** Seconds. @default the library's */
  readonly lease?: number;
  readonly latencyMs?: number;
  /** All processes are one application to browsers and the provider, at the address of the first. @default false */
  readonly oneAddress?: boolean;
  /** With which the processes start. */
  readonly secrets?: readonly string[];
}

export interface User {
  readonly account: string;
  readonly browser: Browser;
  /** The `Cookie` header of this user. */
  readonly cookie: string;
  /** Under which the store knows the session. */
  readonly session: string;
}

/** Processes with the same application, one Redis, one provider. A process that was killed comes back at its port. */
export class Fleet {
  readonly processes: AppProcess[] = [];
  private readonly past: AppProcess[] = [];
  /** Of this process, where the provider is. */
  private readonly time = new TimeTravel();
  private clockOffsetMs = 0;
  private started = 0;

  private constructor(
    private readonly installation: Installation,
    readonly redis: RedisServer,
    readonly provider: StrictProvider,
    private readonly providerTimeout: number,
    private readonly lease: number | undefined,
    private readonly baseUrl: string | undefined,
    private readonly secrets: readonly string[],
  ) {}

  static async start({
    size = 4,
    accessTokenLifetime,
    providerTimeout = 10,
    lease,
    latencyMs = 50,
    oneAddress = false,
    secrets = [SECRET],
  }: FleetOptions): Promise<Fleet> {
    const installation = await install();
    const ports: number[] = [];
    for (let index = 0; index < size; index += 1) ports.push(await freePort());
    const redis = await RedisServer.start({ persistent: true });
    const redirectUris = ports.map((port) => `http://localhost:${port}/auth/callback`);
    const provider = await StrictProvider.start({ redirectUris, accessTokenLifetime, latencyMs });
    const baseUrl = oneAddress ? `http://localhost:${ports[0]}` : undefined;
    const fleet = new Fleet(installation, redis, provider, providerTimeout, lease, baseUrl, secrets);
    await Promise.all(ports.map((port, index) => fleet.startProcess(index, port)));
    return fleet;
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
    this.time.end();
    await this.provider.stop();
    await this.redis.dispose();
    await this.installation.remove();
  }

  /** One of the processes; numbers start anew after the last. */
  process(index: number): AppProcess {
    const process = this.processes[index % this.processes.length];
    if (!process) throw new Error('There are no processes.');
    return process;
  }

  /** Starts a process anew at the place of one that has ended. */
  async restart(index: number, secrets = this.secrets): Promise<void> {
    const { port } = this.process(index);
    this.past.push(this.process(index));
    await this.startProcess(index, port, secrets);
  }

  /** Moves the time of every process and of the provider. */
  async forward(seconds: number): Promise<void> {
    this.clockOffsetMs += seconds * 1000;
    this.time.forward(seconds);
    await Promise.all(this.processes.map((process) => process.tell({ type: 'clock', offsetMs: this.clockOffsetMs })));
  }

  /** Somebody with a session of their own, logged in through one of the processes. */
  async logIn(account: string, index = 0): Promise<User> {
    const browser = new Browser();
    browser.cookies.set('account', account);
    const page = await browser.navigate(`${this.process(index).url}/token`);
    const token = browser.cookies.get('sid');
    if (page.status !== 200 || token === undefined) throw new Error(`The login of ${account} failed: ${page.body}`);
    return { account, browser, cookie: `sid=${token}`, session: hashOf(token) };
  }

  get commits(): Commit[] {
    return this.everyProcess().flatMap(({ commits }) => commits);
  }

  get hearings(): Hearing[] {
    return this.everyProcess().flatMap(({ hearings }) => hearings);
  }

  get disturbances(): Disturbance[] {
    return this.everyProcess().flatMap(({ disturbances }) => disturbances);
  }

  /** How often an event was emitted by all processes, as far as they could still tell. */
  count(event: string): number {
    return this.everyProcess().reduce((sum, { counts }) => sum + (counts[event] ?? 0), 0);
  }

  private everyProcess(): AppProcess[] {
    return [...this.past, ...this.processes];
  }

  private async startProcess(index: number, port: number, secrets = this.secrets): Promise<void> {
    this.started += 1;
    this.processes[index] = await AppProcess.start(this.installation.main, {
      id: `process-${index + 1}#${this.started}`,
      port,
      issuer: this.provider.issuer,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      baseUrl: this.baseUrl,
      secrets,
      redisUrl: this.redis.url,
      providerTimeout: this.providerTimeout,
      lease: this.lease,
      clockOffsetMs: this.clockOffsetMs,
    });
  }
}
