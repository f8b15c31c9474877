import { LoginRequiredError, StoreUnavailableError } from '../../lib/common/errors.js';
import { EventLog } from '../../lib/common/events.js';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import type { ProviderService } from '../../lib/provider/provider.service.js';
import { Revocations } from '../../lib/provider/revocations.js';
import { SessionRepository } from '../../lib/session/session-repository.js';
import { SessionDirectory } from '../../lib/session/session-directory.js';
import { SessionService } from '../../lib/session/session.service.js';
import type { LoadedSession } from '../../lib/session/session.js';
import type { SessionStore } from '../../lib/store/session-store.js';
import { RefreshUnavailableError } from '../../lib/token/token-errors.js';
import { TokenRefresher } from '../../lib/token/token-refresher.js';
import { TokenService } from '../../lib/token/token.service.js';
import { SimulatedProvider } from './simulated-provider.js';
import { StoreClient, WatchedStore } from './simulated-store.js';
import { SimulatedProcess, World } from './world.js';

const DURATION_MS = 240_000;
const LEASE_MS = 15_000;
const USERS = ['alice', 'bob'] as const;

const OPTIONS = {
  secrets: ['the-secret-of-the-simulation-0123456789'],
  session: { idleTimeout: 86_400, absoluteLifetime: 604_800, cookie: { name: 'sid' } },
  refresh: { leeway: 300, waitTimeout: 10, lease: LEASE_MS / 1000, background: true },
  provider: { timeout: 10 },
} as unknown as ResolvedOptions;

export interface Mutation {
  readonly store?: typeof WatchedStore;
  readonly withoutSecondRead?: boolean;
}

export interface Report {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly tokenRequests: number;
  readonly answered: number;
}

interface Instance {
  readonly process: SimulatedProcess;
  readonly sessions: SessionService;
  readonly repository: SessionRepository;
  readonly tokens: TokenService;
}

interface SimulatedUser {
  readonly name: string;
  readonly loaded: LoadedSession;
  readonly family: { readonly revoked: boolean; readonly excused: boolean };
  loggedOut: boolean;
}

/**
 * One run: up to four processes of the real library over one store and one provider, all interleaved by the seed, while
 * processes crash and stand still, the store fails and loses answers, the provider fails, and users log out.
 */
export class Simulation {
  private readonly world: World;
  private readonly store: WatchedStore;
  private readonly provider: SimulatedProvider;
  private readonly violations: string[] = [];
  private instances: Instance[] = [];
  private readonly pending = new Map<SimulatedProcess, number>();
  private answered = 0;

  constructor(
    seed: number,
    private readonly mutation: Mutation = {},
  ) {
    this.world = new World(seed);
    const clock = { now: () => this.world.now, schedule: this.world.schedule.bind(this.world) };
    this.store = new (mutation.store ?? WatchedStore)({}, clock);
    this.provider = new SimulatedProvider(this.world, LEASE_MS, { fails: 0.05, losesAnswer: 0.01 });
  }

  async run(): Promise<Report> {
    const realRandom = Math.random;
    Math.random = this.world.random;
    try {
      const count = 1 + Math.floor(this.world.random() * 4);
      this.instances = Array.from({ length: count }, (_, index) => this.start(`process ${index}`));
      const users = await Promise.all(USERS.map((name) => this.logIn(name)));
      this.plan(users);
      // Time enough after the last request for every deadline to pass.
      await this.world.runUntil(this.world.now + DURATION_MS + 60_000);
    } finally {
      Math.random = realRandom;
    }
    for (const [{ crashed, name }, count] of this.pending) {
      if (!crashed && count > 0) this.violations.push(`${count} requests on ${name} never ended`);
    }
    const violations = [...this.violations, ...this.store.violations, ...this.provider.violations];
    return {
      seed: this.world.seed,
      violations,
      tokenRequests: this.provider.tokenRequests,
      answered: this.answered,
    };
  }

  private start(name: string): Instance {
    const process = new SimulatedProcess(this.world, name);
    const client = new StoreClient(this.world, process, this.store, { fails: 0.02, losesAnswer: 0.01 });
    client.withoutSecondRead = this.mutation.withoutSecondRead ?? false;
    const events = new QuietLog();
    const provider = this.provider.clientOf(process) as ProviderService;
    const repository = new SessionRepository(OPTIONS, client as SessionStore, process.clock, events);
    const revocations = new Revocations(provider, events);
    const directory = new SessionDirectory(OPTIONS, repository);
    const sessions = new SessionService(OPTIONS, repository, events, directory, revocations);
    const refresher = new TokenRefresher(OPTIONS, process.clock, provider, revocations, repository, events);
    return {
      process,
      repository,
      sessions,
      tokens: new TokenService(OPTIONS, process.clock, sessions, refresher, events),
    };
  }

  private async logIn(name: string): Promise<SimulatedUser> {
    const { tokens, family } = this.provider.issue(name);
    const clock = { now: () => this.world.now, schedule: this.world.schedule.bind(this.world) };
    const repository = new SessionRepository(OPTIONS, this.store, clock, new QuietLog());
    const loaded = await repository.create({ iss: 'https://op.example', sub: name }, tokens);
    return { name, loaded, family, loggedOut: false };
  }

  /** Bursts of requests around the times at which tokens are due and expire, and everything that goes wrong. */
  private plan(users: readonly SimulatedUser[]): void {
    const { world } = this;
    for (let burst = 0; burst < 12; burst += 1) {
      const user = world.pick(users);
      world.schedule(world.between(0, DURATION_MS), () => {
        const size = 1 + Math.floor(world.random() * 6);
        for (let index = 0; index < size; index += 1) {
          world.schedule(world.between(0, 30), () => this.request(world.pick(this.instances), user));
        }
      });
    }
    if (world.chance(0.4)) world.schedule(world.between(0, DURATION_MS), () => this.crash());
    if (world.chance(0.5)) world.schedule(world.between(0, DURATION_MS), () => this.standStill());
    if (world.chance(0.3)) world.schedule(world.between(0, DURATION_MS), () => void this.logOut(world.pick(users)));
  }

  private request({ process, tokens }: Instance, user: SimulatedUser): void {
    process.enter(() => {
      this.count(process, 1);
      void this.answer(tokens, user).finally(() => this.count(process, -1));
    });
  }

  private count(process: SimulatedProcess, change: number): void {
    this.pending.set(process, (this.pending.get(process) ?? 0) + change);
  }

  private async answer(tokens: TokenService, user: SimulatedUser): Promise<void> {
    const wasLoggedOut = user.loggedOut;
    try {
      const token = await tokens.getAccessToken({ headers: { cookie: `sid=${user.loaded.token}` } });
      this.answered += 1;
      if (!token.startsWith(`${user.name}.`)) this.violations.push(`${user.name} was handed ${token}`);
      if (wasLoggedOut) this.violations.push(`${user.name} got a token after logging out`);
    } catch (error) {
      if (error instanceof LoginRequiredError) {
        if (!user.loggedOut && !user.family.excused) this.violations.push(`${user.name} was logged out`);
      } else if (!(error instanceof RefreshUnavailableError || error instanceof StoreUnavailableError)) {
        this.violations.push(`unexpected ${String(error)}`);
      }
    }
  }

  private crash(): void {
    const victim = this.world.pick(this.instances);
    victim.process.crashed = true;
    this.instances = this.instances.map((instance) =>
      instance === victim ? this.start(`${victim.process.name}, restarted`) : instance,
    );
  }

  private standStill(): void {
    this.world.pick(this.instances).process.pause(this.world.between(100, 2 * LEASE_MS));
  }

  private async logOut(user: SimulatedUser): Promise<void> {
    await this.store.delete(user.loaded.session.id);
    user.loggedOut = true;
  }
}

/** Nothing is logged: a run has thousands of events. */
class QuietLog extends EventLog {
  constructor() {
    super(undefined);
  }

  override emit(): void {}
}
