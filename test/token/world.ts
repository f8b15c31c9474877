import type { OidcEvent } from '../../lib/common/events.js';
import { sleep } from '../../lib/common/clock.js';
import type { ProviderService } from '../../lib/provider/provider.service.js';
import type { OriginalIdentity, RefreshAnswer } from '../../lib/provider/refresh-answer.js';
import { Revocations } from '../../lib/provider/revocations.js';
import type { TokenSet } from '../../lib/provider/token-set.js';
import { SessionDirectory } from '../../lib/session/session-directory.js';
import { SessionService } from '../../lib/session/session.service.js';
import type { LoadedSession } from '../../lib/session/session.js';
import { MemorySessionStore } from '../../lib/store/memory-session-store.js';
import { TokenRefresher } from '../../lib/token/token-refresher.js';
import { TokenService } from '../../lib/token/token.service.js';
import type { Loose } from '../options/valid-options.js';
import { CLAIMS, given, HOUR, MINUTE, requestWith, tokenSet, type Given } from '../session/given.js';
import { ControlledClock } from '../support/controlled-clock.js';

type Answer = RefreshAnswer | (() => RefreshAnswer | Promise<RefreshAnswer>);

/**
 * A provider that answers refreshes exactly as it is told, in order, and otherwise with the next generation of tokens:
 * AT-2 and RT-2, then AT-3 and RT-3, … A fake, because the faults must be exact.
 */
export class ScriptedProvider {
  /** Every refresh token that was presented, in order. */
  readonly presented: string[] = [];
  readonly identities: OriginalIdentity[] = [];
  readonly revoked: string[] = [];
  readonly verified: string[] = [];
  readonly script: Answer[] = [];
  /** How long each refresh takes. */
  latencyMs = 0;
  /** What `prepare` and `verifyRefreshedIdToken` come to; rejections are faults. */
  prepared: () => Promise<void> = () => Promise.resolve();
  verify: () => Promise<void> = () => Promise.resolve();
  private issued = 1;
  private otherwise: (refreshToken: string) => RefreshAnswer = () => this.rotated();

  constructor(private readonly clock: ControlledClock) {}

  prepare(): Promise<void> {
    return this.prepared();
  }

  async refresh(refreshToken: string, original: OriginalIdentity): Promise<RefreshAnswer> {
    this.presented.push(refreshToken);
    this.identities.push(original);
    const answer = this.script.shift() ?? (() => this.otherwise(refreshToken));
    if (this.latencyMs > 0) await sleep(this.clock, this.latencyMs);
    return typeof answer === 'function' ? answer() : answer;
  }

  /** What a refresh is answered that the script says nothing about. */
  answerEach(answer: (refreshToken: string) => RefreshAnswer): void {
    this.otherwise = answer;
  }

  verifyRefreshedIdToken(idToken: string): Promise<void> {
    this.verified.push(idToken);
    return this.verify();
  }

  async revoke(refreshToken: string): Promise<boolean> {
    this.revoked.push(refreshToken);
    return true;
  }

  /** The next tokens, as a provider that rotates answers them. */
  rotated(changes: Partial<TokenSet> = {}): RefreshAnswer {
    this.issued += 1;
    const tokens = tokenSet(this.clock.now(), {
      accessToken: `AT-${this.issued}`,
      refreshToken: `RT-${this.issued}`,
      idToken: undefined,
      ...changes,
    });
    return { outcome: 'refreshed', tokens };
  }

  get service(): ProviderService {
    return this as unknown as ProviderService;
  }
}

/** One process of the application: everything but the store and the provider is its own. */
export interface Process extends Given {
  readonly refresher: TokenRefresher;
  readonly tokens: TokenService;
  readonly sessions: SessionService;
  readonly revocations: Revocations;
  /** A new request with the session's cookie. */
  request(): ReturnType<typeof requestWith>;
  /** What a handler gets, in a new request. */
  accessToken(): Promise<string>;
  load(): Promise<LoadedSession>;
  loadIfThere(): Promise<LoadedSession | undefined>;
  eventsNamed(name: OidcEvent['name']): readonly OidcEvent[];
}

export interface World extends Process {
  readonly provider: ScriptedProvider;
  /** The session as it was at login: an access token of an hour, RT-1. */
  readonly loaded: LoadedSession;
  /** Another process on the same store, with the same provider. */
  another(): Process;
  becomeDue(): Promise<void>;
  becomeExpired(): Promise<void>;
}

/** A user who has just logged in. */
export async function loggedIn(options: Loose = {}, tokens: Partial<TokenSet> = {}): Promise<World> {
  const clock = new ControlledClock();
  const inner = new MemorySessionStore({}, clock);
  const provider = new ScriptedProvider(clock);
  const { repository } = given(options, clock, inner);
  const loaded = await repository.create(CLAIMS, tokenSet(clock.now(), tokens));
  const another = (): Process => processOf(given(options, clock, inner), provider, loaded.token);
  return {
    ...another(),
    provider,
    loaded,
    another,
    becomeDue: () => clock.advance(HOUR - 4 * MINUTE),
    becomeExpired: () => clock.advance(HOUR),
  };
}

function processOf(base: Given, provider: ScriptedProvider, token: string): Process {
  const { options, clock, repository, events, listened } = base;
  const revocations = new Revocations(provider.service, events);
  const refresher = new TokenRefresher(options, clock, provider.service, revocations, repository, events);
  const sessions = new SessionService(
    options,
    repository,
    events,
    new SessionDirectory(options, repository),
    revocations,
  );
  const tokens = new TokenService(options, clock, sessions, refresher, events);
  return {
    ...base,
    refresher,
    tokens,
    sessions,
    revocations,
    request: () => requestWith(token),
    accessToken: () => tokens.getAccessToken(requestWith(token)),
    async load() {
      const loaded = await repository.load(token);
      if (!loaded) throw new Error('There is no session.');
      return loaded;
    },
    loadIfThere: async () => repository.load(token),
    eventsNamed: (name) => listened.filter((event) => event.name === name),
  };
}

/** Moves the clock until the promise has settled: whatever it waits for is a matter of time. */
export async function inTime<T>(clock: ControlledClock, promise: Promise<T>, limitMs = 10 * MINUTE): Promise<T> {
  const state = { settled: false };
  const settle = () => void (state.settled = true);
  promise.then(settle, settle);
  for (let passed = 0; passed < limitMs; passed += 10) {
    await clock.advance(10);
    if (state.settled) return promise;
  }
  throw new Error(`Still waiting after ${limitMs} ms.`);
}
