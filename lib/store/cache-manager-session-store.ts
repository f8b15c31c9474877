import type { Cache } from 'cache-manager';
import { type Clock, systemClock, withDeadline } from '../common/clock.js';
import type { LockResult, LockSuccessor, ReplaceResult, SessionStore, StoredSession } from './session-store.js';
import { CheckedKeyv, type Keyv } from './checked-keyv.js';
import { KeyedMutex } from './keyed-mutex.js';
import { Listeners } from './listeners.js';
import { ProcessLocks } from './process-locks.js';
import { StoreProblems } from './store-options.js';

export interface CacheManagerSessionStoreOptions {
  /** Put before every key, within the namespace of the Keyv. @default 'oidc:' */
  readonly keyPrefix?: string | undefined;
  /** How long one method may take, waiting for others on the same session included. Seconds, above 0, up to 10. @default 2 */
  readonly commandTimeout?: number | undefined;
}

/** What survives every serialisation that Keyv and its adapters have. */
interface CachedSession {
  /** Base64. */
  readonly data: string;
  readonly generation: number;
  readonly expiresAt: number;
  readonly lastSeenAt: number;
}

/** The members of a set, each with its end in epoch milliseconds. */
type CachedSet = readonly (readonly [member: string, expiresAt: number])[];

/**
 * Keeps sessions in a cache-manager 7 cache. **For an application that is one process.**
 *
 * A cache has no atomic operations. This class puts them in order within its process, so one instance on one cache keeps
 * the whole contract of {@link SessionStore}. It cannot do so across processes, nor for two instances: locks are known
 * to their instance only, so both may present the same refresh token, and a provider that detects the reuse logs the
 * user out; one may overwrite what the other wrote, or bring back a session that the other ended. Use
 * `RedisSessionStore` there.
 *
 * - The cache must have exactly one store. With tiers, a session that was ended lives on in the faster one.
 * - It must not be `nonBlocking`: nobody would learn that a write failed.
 * - The Keyv must keep `emitErrors` on, and its adapter must throw or emit what goes wrong, as those of Keyv do. One that
 *   hides its errors makes a failing cache look empty, which logs users out.
 * - A value that Keyv keeps in memory (no adapter) is removed when it is read, not when it expires; `MemorySessionStore`
 *   is bounded.
 */
export class CacheManagerSessionStore implements SessionStore {
  private readonly cache: CheckedKeyv;
  private readonly mutex = new KeyedMutex();
  private readonly locks: ProcessLocks;
  private readonly deleted = new Listeners<string>();
  private readonly keyPrefix: string;
  private readonly timeoutMs: number;

  /**
   * @throws {OidcConfigurationError} naming everything that cannot be used: a cache that does not have exactly one store,
   * and each option.
   */
  constructor(
    cache: Cache,
    options: CacheManagerSessionStoreOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    const problems = new StoreProblems('CacheManagerSessionStore');
    const keyv = onlyStoreOf(cache, problems);
    const { keyPrefix = 'oidc:', commandTimeout = 2 } = problems.read(options, ['keyPrefix', 'commandTimeout']);
    problems.checkKeyPrefix(keyPrefix);
    problems.checkCommandTimeout(commandTimeout);
    problems.throwAll();
    this.cache = new CheckedKeyv(keyv);
    this.locks = new ProcessLocks(clock);
    this.keyPrefix = keyPrefix;
    this.timeoutMs = commandTimeout * 1000;
  }

  /** Not in order with the writes: it is one operation of the cache, so it finds the session before or after each. */
  async get(key: string): Promise<StoredSession | undefined> {
    return this.withinDeadline(this.read(key));
  }

  async create(key: string, session: StoredSession): Promise<void> {
    return this.inOrder(this.sessionKey(key), () => this.write(key, session));
  }

  async replace(
    key: string,
    session: StoredSession,
    expectedGeneration: number,
    owner: string,
  ): Promise<ReplaceResult> {
    return this.inOrder(this.sessionKey(key), async () => {
      const current = await this.read(key);
      if (!current) return 'gone';
      if (current.generation !== expectedGeneration) return 'moved';
      await this.write(key, session);
      this.locks.release(key, owner);
      return 'written';
    });
  }

  async touch(key: string, expiresAt: number, lastSeenAt: number): Promise<boolean> {
    return this.inOrder(this.sessionKey(key), async () => {
      const current = await this.read(key);
      if (!current) return false;
      await this.write(key, { ...current, expiresAt: Math.max(current.expiresAt, expiresAt), lastSeenAt });
      return true;
    });
  }

  async delete(key: string, generation?: number): Promise<boolean> {
    return this.inOrder(this.sessionKey(key), async () => {
      const current = await this.read(key);
      if (!current || (generation !== undefined && current.generation !== generation)) return false;
      const removed = await this.cache.delete(this.sessionKey(key));
      this.locks.drop(key);
      this.deleted.tell(key);
      return removed;
    });
  }

  async lock(key: string, owner: string, leaseMs: number): Promise<LockResult> {
    return this.inOrder(this.sessionKey(key), async () => {
      const session = await this.read(key);
      return this.locks.answer(key, owner, leaseMs, session);
    });
  }

  async unlock(key: string, owner: string, successor?: LockSuccessor): Promise<void> {
    this.locks.release(key, owner, successor);
  }

  async markUsed(key: string, expiresAt: number): Promise<boolean> {
    const markKey = `${this.keyPrefix}m:${key}`;
    return this.inOrder(markKey, async () => {
      const usedUntil = await this.cache.get(markKey);
      if (typeof usedUntil === 'number' && usedUntil > this.clock.now()) return false;
      await this.cache.set(markKey, expiresAt, this.timeToLive(expiresAt));
      return true;
    });
  }

  async addMember(key: string, member: string, expiresAt: number): Promise<void> {
    return this.inOrder(this.setKey(key), async () => {
      const others = (await this.readSet(key)).filter(([name]) => name !== member);
      return this.writeSet(key, [...others, [member, expiresAt]]);
    });
  }

  async members(key: string): Promise<readonly string[]> {
    return (await this.withinDeadline(this.readSet(key))).map(([member]) => member);
  }

  async removeMember(key: string, member: string): Promise<void> {
    return this.inOrder(this.setKey(key), async () => {
      const set = await this.readSet(key);
      const others = set.filter(([name]) => name !== member);
      if (others.length < set.length) await this.writeSet(key, others);
    });
  }

  /** Tells of what this instance deletes. */
  async onDelete(listener: (key: string) => void): Promise<() => void> {
    return this.deleted.add(listener);
  }

  private async readSet(key: string): Promise<CachedSet> {
    const set = await this.cache.get(this.setKey(key));
    return Array.isArray(set) ? (set as CachedSet).filter(([, expiresAt]) => expiresAt > this.clock.now()) : [];
  }

  private async writeSet(key: string, set: CachedSet): Promise<void> {
    let last = this.clock.now();
    for (const [, expiresAt] of set) last = Math.max(last, expiresAt);
    await this.cache.set(this.setKey(key), set, this.timeToLive(last));
  }

  private async read(key: string): Promise<StoredSession | undefined> {
    const value = await this.cache.get(this.sessionKey(key));
    if (!isCachedSession(value) || value.expiresAt <= this.clock.now()) return undefined;
    const { data, generation, expiresAt, lastSeenAt } = value;
    return { data: Buffer.from(data, 'base64'), generation, expiresAt, lastSeenAt };
  }

  private write(key: string, { data, generation, expiresAt, lastSeenAt }: StoredSession): Promise<void> {
    const value: CachedSession = { data: Buffer.from(data).toString('base64'), generation, expiresAt, lastSeenAt };
    return this.cache.set(this.sessionKey(key), value, this.timeToLive(expiresAt));
  }

  private sessionKey(key: string): string {
    return `${this.keyPrefix}s:${key}`;
  }

  private setKey(key: string): string {
    return `${this.keyPrefix}x:${key}`;
  }

  /** Keyv takes 0 for "forever". */
  private timeToLive(expiresAt: number): number {
    return Math.max(1, Math.ceil(expiresAt - this.clock.now()));
  }

  /**
   * Runs `work` when everything before it under this key has really ended, though its caller may have been sent away
   * long ago: a write that the cache executes late must not come after a newer one. Work whose own caller was sent away
   * while it waited is not begun.
   */
  private inOrder<T>(key: string, work: () => Promise<T>): Promise<T> {
    const deadline = this.clock.now() + this.timeoutMs;
    const result = this.mutex.run(key, () => {
      if (this.clock.now() >= deadline) throw this.missedDeadline();
      return work();
    });
    return this.withinDeadline(result);
  }

  private withinDeadline<T>(promise: Promise<T>): Promise<T> {
    return withDeadline(this.clock, this.timeoutMs, promise, () => this.missedDeadline());
  }

  private missedDeadline(): Error {
    return new Error(`The cache did not answer within ${this.timeoutMs} ms. Is its backend reachable?`);
  }
}

/** Answers nothing that could be used where it has written down a problem. */
function onlyStoreOf(cache: Cache | undefined | null, problems: StoreProblems): Keyv {
  const stores: readonly Keyv[] | undefined = cache?.stores;
  const isCache = Array.isArray(stores);
  problems.unless(
    isCache,
    'the cache must be one of cache-manager 7: what createCache() returns, e.g. createCache({ stores: [keyv] }).',
  );
  problems.unless(!isCache || stores.length === 1, 'the cache must have exactly one store.');
  return stores?.[0] as Keyv;
}

/** A value that is not one of ours is no session: an error would meet its user again at every request. */
function isCachedSession(value: unknown): value is CachedSession {
  if (typeof value !== 'object' || value === null) return false;
  const { data, ...numbers } = value as Partial<CachedSession>;
  const { generation, expiresAt, lastSeenAt } = numbers;
  return typeof data === 'string' && [generation, expiresAt, lastSeenAt].every((number) => typeof number === 'number');
}
