import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, sleep, type Clock } from '../common/clock.js';
import { OidcError, StoreUnavailableError } from '../common/errors.js';
import { EventLog, type SessionEndCause } from '../common/events.js';
import { jitter, randomToken } from '../common/random.js';
import { SingleFlight } from '../common/single-flight.js';
import { noTelemetry, TELEMETRY, type OperationAttributes, type Telemetry } from '../common/telemetry.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { IdTokenInvalidError } from '../provider/provider-errors.js';
import { ProviderService } from '../provider/provider.service.js';
import { Revocations } from '../provider/revocations.js';
import type { OriginalIdentity, RefreshAnswer } from '../provider/refresh-answer.js';
import type { TokenSet } from '../provider/token-set.js';
import { SessionRepository } from '../session/session-repository.js';
import { undamagedTokens, type LoadedSession } from '../session/session.js';
import type { LockSuccessor } from '../store/session-store.js';
import { CoolDown, pauseNote, readPauseNote, type Failure } from './cool-down.js';
import { PROBE_INTERVAL_MS, ProviderGate, type Reached } from './provider-gate.js';
import { tokenAge, type TokenAge } from './token-age.js';
import { LONGEST_COMMIT_RETRY_MS, TokenCommits } from './token-commits.js';
import { RefreshUnavailableError } from './token-errors.js';

/** How long after the lock was asked for the token request may still be sent; the lease is longer by the rest. */
const SEND_WITHIN_MS = 2500;
const MOST_LATE_ATTEMPTS = 3;
/** How long a refresh that nobody waits for lets requests go first. */
const COURTESY_MS = 20;
const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 250;

/** What a refresh came to, for everybody who shares it. */
export type RefreshOutcome =
  | { readonly status: 'usable'; readonly loaded: LoadedSession }
  /** `elsewhere`: by a logout or another login meanwhile, not by this refresh. */
  | { readonly status: 'ended'; readonly elsewhere: boolean }
  | {
      readonly status: 'unavailable';
      readonly code: RefreshUnavailableError['code'];
      readonly reason: string;
      readonly retryAfterMs: number;
    };

/**
 * What of a refreshed ID token does not show that it is forged, so it is no reason to end a session: a clock that is wrong,
 * here or there; a key that the provider signs with before all of its servers publish it.
 */
const PROVES_NOTHING: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'key']);

const ENDED: RefreshOutcome = { status: 'ended', elsewhere: false };
const ENDED_ELSEWHERE: RefreshOutcome = { status: 'ended', elsewhere: true };

/**
 * Refreshes the tokens of a session such that each refresh token is presented to the provider once, by one process,
 * however many requests on however many processes ask. A refresh belongs to nobody: no request can abort it.
 */
@Injectable()
export class TokenRefresher {
  private readonly running = new SingleFlight<RefreshOutcome>();
  private readonly commits: TokenCommits;
  private readonly coolDown: CoolDown;
  private readonly gate: ProviderGate;
  private readonly leewayMs: number;
  private readonly leaseMs: number;
  private readonly waitTimeoutMs: number;
  private isDraining = false;

  constructor(
    @Inject(RESOLVED_OPTIONS) options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ProviderService) private readonly provider: ProviderService,
    @Inject(Revocations) private readonly revocations: Revocations,
    @Inject(SessionRepository) private readonly sessions: SessionRepository,
    @Inject(EventLog) private readonly events: EventLog,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry = noTelemetry,
  ) {
    this.commits = new TokenCommits(clock, sessions, revocations, events);
    this.coolDown = new CoolDown(clock);
    this.gate = new ProviderGate(clock);
    this.leewayMs = options.refresh.leeway * 1000;
    this.waitTimeoutMs = options.refresh.waitTimeout * 1000;
    this.leaseMs = options.refresh.lease * 1000;
  }

  age({ head, session }: LoadedSession): TokenAge {
    return tokenAge(head, session.id, this.clock.now(), this.leewayMs);
  }

  /**
   * Sees to it that one refresh runs for this session, and answers what became of it. Never rejects. A token that is not
   * due is only refreshed by `force`, and then unless somebody has refreshed it since `loaded` was read.
   */
  refresh(loaded: LoadedSession, force = false): Promise<RefreshOutcome> {
    const { id } = loaded.session;
    const ahead = this.outcomeAhead(loaded);
    if (ahead) return Promise.resolve(ahead);
    const shared = this.running.get(id);
    if (shared) {
      this.events.emit({ name: 'refresh.shared', session: id });
      return shared;
    }
    const cooling = this.outcomeUnasked(id);
    if (cooling) return Promise.resolve(cooling);
    return this.running.run(id, () => this.measured(() => this.run(loaded, force)));
  }

  /**
   * The same for a token that is good yet, which nobody waits for: it begins a moment later, in each process at another,
   * so that the requests that came together are answered before it takes their time.
   * Whoever needs its outcome meanwhile shares it. `undefined` when it is under way.
   */
  refreshSoon(loaded: LoadedSession): Promise<RefreshOutcome> | undefined {
    const { id } = loaded.session;
    if (this.running.get(id)) return undefined;
    const known = this.outcomeAhead(loaded) ?? this.outcomeUnasked(id);
    if (known) return Promise.resolve(known);
    return this.running.run(id, async () => {
      await sleep(this.clock, COURTESY_MS * jitter(0.5));
      return this.measured(() => this.run(loaded, false));
    });
  }

  private measured(refresh: () => Promise<RefreshOutcome>): Promise<RefreshOutcome> {
    return this.telemetry.measure('refresh', {}, async (operation) => {
      const outcome = await refresh();
      operation.describe(attributesOf(outcome));
      return outcome;
    });
  }

  /** When every refresh and every write under way has ended. */
  async settled(): Promise<void> {
    await this.running.settled();
    await this.commits.drain();
  }

  /** The same at shutdown, before the store is closed. From then on none begins: its outcome could not be kept. */
  drain(): Promise<void> {
    this.isDraining = true;
    return this.settled();
  }

  /** Until the store has taken the outcome of the last refresh there cannot be another one. */
  private outcomeAhead(loaded: LoadedSession): RefreshOutcome | undefined {
    const ahead = this.commits.ahead(loaded);
    if (!ahead) return undefined;
    return this.age(ahead) === 'expired'
      ? unavailable({ code: 'refresh_transient', reason: 'store_unavailable' }, LONGEST_COMMIT_RETRY_MS)
      : { status: 'usable', loaded: ahead };
  }

  /** What there is to say without the provider: it was asked a moment ago, or there is no time left to keep its answer. */
  private outcomeUnasked(id: string): RefreshOutcome | undefined {
    if (this.isDraining) return unavailable({ code: 'refresh_transient', reason: 'shutdown' }, 1000);
    const cooling = this.coolDown.of(id);
    return cooling && unavailable(cooling, cooling.remainingMs);
  }

  private async run(loaded: LoadedSession, force: boolean): Promise<RefreshOutcome> {
    const owner = randomToken();
    try {
      // Before the lock is taken: its lease covers the token request alone.
      await this.provider.prepare();
      return await this.lockAndRefresh(loaded, owner, force);
    } catch (error) {
      // A lock whose answer was lost may be ours all the same.
      await this.release(loaded.session.id, owner);
      const reason = error instanceof OidcError ? (error.detail ?? error.code) : 'unexpected';
      if (!(error instanceof OidcError))
        this.events.emit({ name: 'refresh.transient', session: loaded.session.id, reason });
      return this.fail(loaded, { code: 'refresh_transient', reason, retryAfterMs: undefined });
    }
  }

  /** Lock and second read in one round trip; whoever does not get the lock waits for the one who has it. */
  private async lockAndRefresh(loaded: LoadedSession, owner: string, force: boolean): Promise<RefreshOutcome> {
    const { id } = loaded.session;
    const startedAt = this.clock.now();
    let late = 0;
    for (;;) {
      // Counted from before the request for the lock: a process that stood still meanwhile may have lost it again.
      const sendBefore = this.clock.now() + SEND_WITHIN_MS;
      const { acquired, loaded: current, holder } = await this.sessions.lock(loaded, owner, this.leaseMs);
      if (!current || this.isRefreshed(current, loaded, force)) {
        if (acquired) await this.release(id, owner);
        if (!current) return ENDED_ELSEWHERE;
        this.coolDown.end(id);
        this.events.emit({ name: 'refresh.adopted', session: id });
        return { status: 'usable', loaded: current };
      }
      if (acquired) {
        const outcome = await this.ask(current, owner, sendBefore);
        if (outcome) return outcome;
        // Too late to ask: this process stood still. Nobody may be at it by now, so it tries again at once.
        late += 1;
        if (late < MOST_LATE_ATTEMPTS) continue;
        throw new RefreshUnavailableError('refresh_transient', 'too_late', 1000);
      }
      const pause = readPauseNote(holder);
      if (pause && pause.until > this.clock.now()) return unavailable(pause, pause.until - this.clock.now());
      const waited = this.clock.now() - startedAt;
      if (waited >= this.waitTimeoutMs) {
        this.events.emit({ name: 'refresh.wait_timeout', session: id });
        return unavailable({ code: 'refresh_transient', reason: 'wait_timeout' }, 1000);
      }
      await sleep(this.clock, pollInterval(waited));
    }
  }

  /** Whether somebody else has done the work meanwhile. A process that was frozen may find their token expired, too. */
  private isRefreshed(current: LoadedSession, loaded: LoadedSession, force: boolean): boolean {
    const age = this.age(current);
    if (current.generation !== loaded.generation) return age !== 'expired';
    return age === 'fresh' && !force;
  }

  /** Best effort: what became of the refresh does not depend on it, and the lease ends by itself. */
  private async release(id: string, owner: string, successor?: LockSuccessor): Promise<void> {
    try {
      await this.sessions.unlock(id, owner, successor);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
    }
  }

  /** As the holder of the lock: one request to the provider. `undefined` when it was too late to send it. */
  private async ask(loaded: LoadedSession, owner: string, sendBefore: number): Promise<RefreshOutcome | undefined> {
    const { id } = loaded.session;
    const tokens = undamagedTokens(loaded);
    if (!tokens) return this.endUnlessMoved(loaded, 'corrupt');
    const startedAt = this.clock.now();
    if (!this.gate.tryEnter()) {
      await this.release(id, owner);
      return unavailable({ code: 'refresh_transient', reason: 'provider_unreachable' }, PROBE_INTERVAL_MS);
    }
    let reached: Reached = 'nothing';
    let answer: RefreshAnswer;
    try {
      answer = await this.provider.refresh(tokens.refreshToken ?? '', identityOf(loaded), sendBefore);
      reached = reachedBy(answer);
    } finally {
      this.gate.leave(reached);
    }
    switch (answer.outcome) {
      case 'not_sent':
        return undefined;
      case 'refreshed':
        this.coolDown.end(id);
        this.events.forget('refresh');
        this.events.emit({ name: 'refresh.succeeded', session: id, durationMs: this.clock.now() - startedAt });
        if (isWider(answer.tokens.scope, tokens.scope))
          this.events.emit({ name: 'refresh.scope_widened', session: id });
        return this.commit(loaded, tokens, answer, owner);
      case 'refused':
        this.tellRefused(id);
        return this.endUnlessMoved(loaded, 'refresh_refused');
      case 'identity_rejected':
        this.events.emit({ name: 'refresh.identity_rejected', session: id, reason: answer.reason });
        this.revocations.revoke(answer.refreshToken);
        return this.endUnlessMoved(loaded, 'subject_changed');
      case 'misconfigured':
        this.events.emitChange('refresh', { name: 'refresh.misconfigured', session: id, reason: answer.reason });
        return this.giveUp(loaded, owner, {
          code: 'refresh_misconfigured',
          reason: answer.reason,
          retryAfterMs: undefined,
        });
      case 'user_required':
      case 'transient':
        this.events.emit({ name: 'refresh.transient', session: id, reason: answer.reason });
        return this.giveUp(loaded, owner, { code: 'refresh_transient', retryAfterMs: undefined, ...answer });
      default:
        return answer satisfies never;
    }
  }

  private tellRefused(id: string): void {
    const before = this.coolDown.lastFailure(id);
    if (before) this.events.emit({ name: 'refresh.reuse_suspected', session: id, after: before.reason });
    this.events.emit({ name: 'refresh.refused', session: id });
    this.coolDown.end(id);
  }

  /** Nobody asks again for a while, in no process: the lock goes to the pause. */
  private async giveUp(loaded: LoadedSession, owner: string, failure: Failure): Promise<RefreshOutcome> {
    const { id } = loaded.session;
    const pauseMs = this.coolDown.start(id, failure);
    await this.release(id, owner, { owner: pauseNote(failure, this.clock.now() + pauseMs), leaseMs: pauseMs });
    return unavailable(failure, pauseMs);
  }

  private fail(loaded: LoadedSession, failure: Failure): RefreshOutcome {
    return unavailable(failure, this.coolDown.start(loaded.session.id, failure));
  }

  /** Ends the session on condition that it still holds the token that was refused; otherwise goes on from the newer one. */
  private async endUnlessMoved(loaded: LoadedSession, cause: SessionEndCause): Promise<RefreshOutcome> {
    if (await this.sessions.end(loaded.session.id, cause, loaded.generation)) return ENDED;
    return this.adopt(loaded);
  }

  /**
   * Ends the session on condition that it holds what this refresh has brought, or is about to: a commit that the store has
   * not answered may be there, may be not, and may come yet. Once the generation before it is gone, it cannot.
   */
  private async endCommitted(loaded: LoadedSession, cause: SessionEndCause): Promise<RefreshOutcome> {
    const { session, generation } = loaded;
    this.commits.forget(session.id);
    for (const held of [generation, generation - 1, generation]) {
      if (await this.sessions.end(session.id, cause, held)) return ENDED;
    }
    return this.adopt(loaded);
  }

  private async adopt(loaded: LoadedSession): Promise<RefreshOutcome> {
    const current = await this.sessions.load(loaded.token);
    return current ? { status: 'usable', loaded: current } : ENDED_ELSEWHERE;
  }

  /** The new refresh token goes into the store before anything else is tried that can fail. */
  private async commit(
    loaded: LoadedSession,
    previous: TokenSet,
    { tokens: received, sessionExpiresAt }: Extract<RefreshAnswer, { outcome: 'refreshed' }>,
    owner: string,
  ): Promise<RefreshOutcome> {
    // That it is over already ends the session, and so is believed of a verified token alone.
    const isOver = sessionExpiresAt !== undefined && sessionExpiresAt <= this.clock.now();
    const latestEnd = isOver ? undefined : sessionExpiresAt;
    const { next, stored } = this.sessions.withTokens(loaded, merge(previous, received), latestEnd);
    const result = await this.commits.write({ next, stored, refreshToken: received.refreshToken, owner });
    if (result === 'gone') return ENDED_ELSEWHERE;
    const outcome: RefreshOutcome = result === 'moved' ? await this.adopt(next) : { status: 'usable', loaded: next };
    return outcome.status === 'usable' ? this.verifyIdToken(outcome.loaded, received, isOver) : outcome;
  }

  /** A refreshed ID token that is forged ends the session; keys that cannot be fetched now prove nothing. */
  private async verifyIdToken(
    loaded: LoadedSession,
    { idToken, accessToken }: TokenSet,
    isOver: boolean,
  ): Promise<RefreshOutcome> {
    const { refreshToken, idToken: held } = loaded.tokens();
    // Somebody else's outcome was adopted: they have verified theirs.
    if (idToken === undefined || held !== idToken) return { status: 'usable', loaded };
    try {
      await this.provider.verifyRefreshedIdToken(idToken, accessToken);
    } catch (error) {
      if (error instanceof IdTokenInvalidError && !PROVES_NOTHING.has(error.detail ?? '')) {
        const { id } = loaded.session;
        this.events.emit({ name: 'refresh.identity_rejected', session: id, reason: error.detail ?? '' });
        this.revocations.revoke(refreshToken);
        return this.endCommitted(loaded, 'subject_changed');
      }
      return { status: 'usable', loaded };
    }
    if (!isOver) return { status: 'usable', loaded };
    const outcome = await this.endCommitted(loaded, 'session_expiry');
    if (outcome.status === 'ended') this.revocations.revoke(refreshToken);
    return outcome;
  }
}

function attributesOf(outcome: RefreshOutcome): OperationAttributes {
  const failed = outcome.status === 'unavailable' ? { 'error.type': outcome.reason } : {};
  return { 'nest_oidc.refresh.outcome': outcome.status, ...failed };
}

function unavailable({ code, reason }: Pick<Failure, 'code' | 'reason'>, retryAfterMs: number): RefreshOutcome {
  return { status: 'unavailable', code, reason, retryAfterMs };
}

function reachedBy(answer: RefreshAnswer): Reached {
  if (answer.outcome === 'not_sent') return 'nothing';
  return answer.outcome === 'transient' && !answer.reached ? 'no' : 'yes';
}

/** About a tenth of the time already waited: ten percent late at most, and no storm when the provider is slow. */
function pollInterval(waitedMs: number): number {
  return Math.min(Math.max(FIRST_POLL_MS, waitedMs / 10), LONGEST_POLL_MS) * jitter(0.2);
}

/** What the provider left out stays as it was (RFC 6749 §6, OpenID Connect Core 1.0 §12.2). */
function merge(previous: TokenSet, received: TokenSet): TokenSet {
  const rotated = received.refreshToken !== undefined;
  return {
    ...received,
    refreshToken: received.refreshToken ?? previous.refreshToken,
    refreshTokenExpiresAt: received.refreshTokenExpiresAt ?? (rotated ? undefined : previous.refreshTokenExpiresAt),
    idToken: received.idToken ?? previous.idToken,
    scope: received.scope ?? previous.scope,
  };
}

/** Whether more was granted than before, which a provider must not do at a refresh (RFC 6749 §6). */
function isWider(scope: string | undefined, before: string | undefined): boolean {
  if (scope === undefined || before === undefined) return false;
  const granted = new Set(before.split(' '));
  return scope.split(' ').some((value) => !granted.has(value));
}

function identityOf({ head }: LoadedSession): OriginalIdentity {
  const { sub, auth_time: authTime, azp, nonce } = head.claims;
  return {
    sub,
    authTime: typeof authTime === 'number' ? authTime : undefined,
    azp: typeof azp === 'string' ? azp : undefined,
    nonce: typeof nonce === 'string' ? nonce : undefined,
  };
}
