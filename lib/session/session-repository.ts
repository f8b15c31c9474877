import { Inject, Injectable } from '@nestjs/common';
import type { Claims } from '../common/claims.js';
import { CLOCK, type Clock } from '../common/clock.js';
import { LoginRequiredError, StoreUnavailableError } from '../common/errors.js';
import { EventLog, type OidcEvent, type SessionEndCause } from '../common/events.js';
import { isPending } from '../common/pending.js';
import { randomToken } from '../common/random.js';
import { SingleFlight } from '../common/single-flight.js';
import { isRunning } from '../common/span.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import type { TokenSet } from '../provider/token-set.js';
import {
  SESSION_STORE,
  type FoundSession,
  type LockSuccessor,
  type ReplaceResult,
  type SessionStore,
  type StoredSession,
} from '../store/session-store.js';
import type { RecentSession } from './recent-sessions.js';
import { SessionCodec } from './session-codec.js';
import type { UnsealFailure } from './sealing.js';
import { isSessionToken, sessionIdOf } from './session-token.js';
import { SharedReads } from './shared-reads.js';
import {
  expiryOf,
  headWith,
  NOBODY,
  type Device,
  type LoadedSession,
  type Loading,
  type SessionSummary,
} from './session.js';

const LONGEST_TOUCH_INTERVAL_MS = 60_000;
const AVAILABLE: OidcEvent = { name: 'store.available' };

export interface LockedRead {
  readonly acquired: boolean;
  readonly loaded: LoadedSession | undefined;
  /** Who holds the lock, when somebody else does. */
  readonly holder: string | undefined;
}

/**
 * Sessions in and out of the store: seals and unseals, works out lifetimes, and tells store trouble from absence. The
 * only caller of the store.
 */
@Injectable()
export class SessionRepository {
  private readonly codec: SessionCodec;
  private readonly idleTimeoutMs: number;
  /** How often a session's idle timeout is moved at most. */
  readonly touchIntervalMs: number;
  private readonly touches = new SingleFlight<void>();
  private readonly reads: SharedReads;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SESSION_STORE) private readonly store: SessionStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(EventLog) private readonly events: EventLog,
  ) {
    this.codec = new SessionCodec(options.secrets);
    this.reads = new SharedReads(store);
    this.idleTimeoutMs = options.session.idleTimeout * 1000;
    this.touchIntervalMs = Math.min(this.idleTimeoutMs / 10, LONGEST_TOUCH_INTERVAL_MS);
  }

  /**
   * Answers at once where the store does. Nobody for what this library cannot have issued: it never reaches the store.
   *
   * @throws StoreUnavailableError
   * @throws LoginRequiredError (`session_unreadable`) when it is there, and sealed by a secret or version unknown here
   */
  load(token: string): Loading {
    const recent = this.codec.recall(token);
    if (!recent && !isSessionToken(token)) return NOBODY;
    const id = recent?.loaded.session.id ?? sessionIdOf(token);
    let found: ReturnType<SessionStore['get']>;
    try {
      found = this.reads.get(id);
    } catch (error) {
      return Promise.reject(this.unavailable(error));
    }
    if (isPending(found)) return this.loadLater(found, token, id);
    this.tellAvailable();
    // What is answered at once, the store keeps.
    return this.read(found, token, id, recent, true) ?? NOBODY;
  }

  /** As {@link load}, and nobody for a session that cannot be read here. @throws StoreUnavailableError */
  async loadReadable(token: string): Promise<LoadedSession | undefined> {
    try {
      return await this.load(token);
    } catch (error) {
      if (error instanceof LoginRequiredError) return undefined;
      throw error;
    }
  }

  /**
   * Brings a session into being, under a token that nobody has seen before. It ends at `latestEnd` (epoch milliseconds), if
   * its own lifetime does not end before.
   *
   * @throws StoreUnavailableError
   */
  async create(
    claims: Claims,
    tokens: TokenSet,
    device: Device = {},
    latestEnd = Number.POSITIVE_INFINITY,
  ): Promise<LoadedSession> {
    const createdAt = this.clock.now();
    const absoluteExpiresAt = Math.min(createdAt + this.options.session.absoluteLifetime * 1000, latestEnd);
    const token = randomToken();
    const id = sessionIdOf(token);
    const head = headWith({ claims, createdAt, absoluteExpiresAt }, tokens);
    const stored: StoredSession = {
      data: this.codec.encode(head, tokens, { createdAt, ...device }, token),
      generation: 1,
      expiresAt: expiryOf(head, createdAt, this.idleTimeoutMs),
      lastSeenAt: createdAt,
    };
    await this.ask(() => this.store.create(id, stored));
    return this.justSealed(stored, token, id);
  }

  /** The session as it will be once `tokens` are written: the next generation. `latestEnd` as in {@link create}. */
  withTokens(
    loaded: LoadedSession,
    tokens: TokenSet,
    latestEnd = Number.POSITIVE_INFINITY,
  ): { readonly next: LoadedSession; readonly stored: StoredSession } {
    const { token, session } = loaded;
    // It never moves to a later moment: the cookie, and the directory by which users are logged out, last until the first.
    const absoluteExpiresAt = Math.min(loaded.head.absoluteExpiresAt, latestEnd);
    const head = headWith({ ...loaded.head, absoluteExpiresAt }, tokens);
    const lastSeenAt = this.clock.now();
    const stored: StoredSession = {
      data: this.codec.encodeNext(loaded, head, tokens),
      generation: loaded.generation + 1,
      expiresAt: expiryOf(head, lastSeenAt, this.idleTimeoutMs),
      lastSeenAt,
    };
    return { next: this.justSealed(stored, token, session.id), stored };
  }

  /** Writes what {@link withTokens} made, on condition that the session is still of the generation before. */
  replace(id: string, stored: StoredSession, owner: string): Promise<ReplaceResult> {
    return this.ask(() => this.store.replace(id, stored, stored.generation - 1, owner));
  }

  /** Takes the refresh lock and reads the session under it. @throws StoreUnavailableError */
  async lock(loaded: LoadedSession, owner: string, leaseMs: number): Promise<LockedRead> {
    const { acquired, session, holder } = await this.ask(() => this.store.lock(loaded.session.id, owner, leaseMs));
    return { acquired, loaded: await this.read(session, loaded.token, loaded.session.id), holder };
  }

  /** Gives the lock up, or hands it on. @throws StoreUnavailableError */
  unlock(id: string, owner: string, successor?: LockSuccessor): Promise<void> {
    return this.ask(() => this.store.unlock(id, owner, successor));
  }

  /**
   * Ends a session; with `generation`, only if the session is still of it. `true` if this call ended it.
   *
   * @throws StoreUnavailableError
   */
  async end(id: string, cause: SessionEndCause, generation?: number): Promise<boolean> {
    const ended = await this.ask(() => this.store.delete(id, generation));
    if (ended) this.events.emit({ name: 'session.ended', session: id, cause });
    return ended;
  }

  /**
   * Ends a session, and answers it as it was then: it may have been refreshed since it was read. `undefined` when it had
   * ended before.
   *
   * @throws StoreUnavailableError when it may still be there
   */
  async endLatest(loaded: LoadedSession, cause: SessionEndCause): Promise<LoadedSession | undefined> {
    const { id } = loaded.session;
    if (await this.end(id, cause, loaded.generation)) return loaded;
    const latest = await this.loadReadable(loaded.token);
    return (await this.end(id, cause)) ? (latest ?? loaded) : undefined;
  }

  /** `true` for the first caller with this key. @throws StoreUnavailableError */
  markUsed(key: string, expiresAt: number): Promise<boolean> {
    return this.ask(() => this.store.markUsed(key, expiresAt));
  }

  /**
   * What is known of a user's session without its cookie. `undefined` when there is none, `'unreadable'` when it is there
   * and cannot be opened here: sealed by a secret unknown to this process, or another user's.
   *
   * @throws StoreUnavailableError
   */
  async summary(id: string, sub: string): Promise<SessionSummary | 'unreadable' | undefined> {
    const stored = await this.ask(() => this.store.get(id));
    if (!stored || stored.expiresAt <= this.clock.now()) return undefined;
    const origin = this.codec.decodeOrigin(stored, id, { iss: this.options.issuer, sub });
    return origin ? { id, ...origin, lastSeenAt: stored.lastSeenAt, expiresAt: stored.expiresAt } : 'unreadable';
  }

  /** Adds to each of the sets. @throws StoreUnavailableError */
  async addMember(keys: readonly string[], member: string, expiresAt: number): Promise<void> {
    await Promise.all(keys.map((key) => this.ask(() => this.store.addMember(key, member, expiresAt))));
  }

  /** The members of all the sets, each once. @throws StoreUnavailableError */
  async members(keys: readonly string[]): Promise<readonly string[]> {
    const sets = await Promise.all(keys.map((key) => this.ask(() => this.store.members(key))));
    return [...new Set(sets.flat())];
  }

  /** Removes from each of the sets. @throws StoreUnavailableError */
  async removeMember(keys: readonly string[], member: string): Promise<void> {
    await Promise.all(keys.map((key) => this.ask(() => this.store.removeMember(key, member))));
  }

  /** Slides the idle timeout, at most every so often, beside the request: nobody waits for it. */
  touch({ session, head, lastSeenAt }: LoadedSession): void {
    const now = this.clock.now();
    if (isRunning(lastSeenAt, this.touchIntervalMs, now)) return;
    const expiresAt = expiryOf(head, now, this.idleTimeoutMs);
    // Trouble with the store is logged by `ask`; the next request tries again.
    void this.touches
      .run(session.id, async () => void (await this.ask(() => this.store.touch(session.id, expiresAt, now))))
      .catch(() => undefined);
  }

  /** When every write under way has ended. */
  settled(): Promise<void> {
    return this.touches.settled();
  }

  /** As `ask` does, without a closure and a promise of its own for every request. */
  private async loadLater(
    pending: Promise<FoundSession>,
    token: string,
    id: string,
  ): Promise<LoadedSession | undefined> {
    let stored: FoundSession;
    try {
      stored = await pending;
      this.tellAvailable();
    } catch (error) {
      throw this.unavailable(error);
    }
    return this.read(stored, token, id);
  }

  private justSealed(stored: StoredSession, token: string, id: string): LoadedSession {
    return this.codec.decode(stored, token, id) as LoadedSession;
  }

  private read(
    stored: StoredSession | undefined,
    token: string,
    id: string,
    recent?: RecentSession,
    isKept?: boolean,
  ): LoadedSession | undefined | Promise<undefined> {
    const now = this.clock.now();
    if (!stored || stored.expiresAt <= now) return undefined;
    const loaded = this.codec.decode(stored, token, id, recent, isKept);
    if (typeof loaded === 'string') return this.refuse(loaded, id, stored);
    // A late touch, of who read it before it was shortened, may have moved the end that the store knows.
    return loaded.head.absoluteExpiresAt <= now ? undefined : loaded;
  }

  private async refuse(reason: UnsealFailure, id: string, stored: StoredSession): Promise<undefined> {
    this.events.emit({ name: 'session.unreadable', session: id, reason });
    // What a newer version or another key has sealed is not ours to remove: it may be read elsewhere, or later.
    if (reason !== 'corrupt') {
      throw new LoginRequiredError('The session cannot be read here.', { detail: 'session_unreadable' });
    }
    await this.end(id, 'corrupt', stored.generation);
    return undefined;
  }

  private async ask<T>(question: () => T | Promise<T>): Promise<T> {
    try {
      const value = await question();
      this.tellAvailable();
      return value;
    } catch (error) {
      throw this.unavailable(error);
    }
  }

  private tellAvailable(): void {
    this.events.emitChange('store', AVAILABLE, 'store.available');
  }

  private unavailable(error: unknown): StoreUnavailableError {
    // node-redis names its errors by their class alone.
    const reason = error instanceof Error ? (error.name === 'Error' ? error.constructor.name : error.name) : 'unknown';
    this.events.emitChange('store', { name: 'store.unavailable', reason });
    return new StoreUnavailableError(error);
  }
}
