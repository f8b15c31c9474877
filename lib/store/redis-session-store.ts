import { type Clock, systemClock } from '../common/clock.js';
import type {
  FoundSession,
  LockResult,
  LockSuccessor,
  ReplaceResult,
  SessionStore,
  StoredSession,
} from './session-store.js';
import { ProcessCache } from './process-cache.js';
import { OPTIONS, RedisCommandRunner, type RedisSessionClient } from './redis-commands.js';
import { RedisEnds } from './redis-ends.js';
import { decodeRecord, encodeRecord } from './redis-record.js';
import { ADD_MEMBER, DELETE, LOCK, MEMBERS, REMOVE_MEMBER, REPLACE, TOUCH, UNLOCK } from './redis-scripts.js';
import {
  resolveRedisStoreOptions,
  type RedisSessionStoreOptions,
  type ResolvedProcessCache,
} from './redis-store-options.js';
import { RedisTracking } from './redis-tracking.js';

export type { RedisSessionClient } from './redis-commands.js';
export type { ProcessCacheOptions, RedisSessionStoreOptions } from './redis-store-options.js';

/**
 * Keeps sessions in Redis 6 or newer (or what speaks its protocol and runs its scripts), for any number of processes.
 * Every method is atomic and one round trip; reading a session is one `GET`, or none with `processCache`.
 *
 * The client is the application's: it connects it, and closes it after Nest has shut down. It may be a client, a pool, a
 * cluster or a sentinel of node-redis 6. Listen to its `error` event to learn of lost connections. When nobody does as
 * this class is constructed, it does so itself: node-redis would end the process instead of connecting again.
 *
 * Use a database that does not evict (`maxmemory-policy noeviction`): an evicted session is a user logged out.
 */
export class RedisSessionStore implements SessionStore {
  private readonly redis: RedisCommandRunner;
  private readonly keyPrefix: string;
  private readonly cache: ProcessCache | undefined;
  private readonly ends: RedisEnds;

  /** @throws {OidcConfigurationError} naming everything that cannot be used: the client, and each option. */
  constructor(
    client: RedisSessionClient,
    options: RedisSessionStoreOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    const { keyPrefix, commandTimeoutMs, processCache } = resolveRedisStoreOptions(client, options);
    this.keyPrefix = keyPrefix;
    this.redis = new RedisCommandRunner(client, commandTimeoutMs, clock);
    this.cache = processCache && this.createCache(processCache);
    this.ends = new RedisEnds(client, `${keyPrefix}deleted`);
  }

  get(key: string): StoredSession | Promise<FoundSession> {
    return this.cache ? this.cache.get(key) : this.read(key);
  }

  async create(key: string, session: StoredSession): Promise<void> {
    const expiration = { type: 'PX', value: this.timeToLive(session.expiresAt) } as const;
    const value = encodeRecord(session);
    await this.changing(key, () => this.redis.run((redis) => redis.set(this.sessionKey(key), value, { expiration })));
  }

  async replace(
    key: string,
    session: StoredSession,
    expectedGeneration: number,
    owner: string,
  ): Promise<ReplaceResult> {
    const timeToLive = this.timeToLive(session.expiresAt);
    const args = [this.now(), String(expectedGeneration), owner, encodeRecord(session), String(timeToLive)];
    return String(
      await this.ending(key, () => this.redis.script(REPLACE, this.sessionAndLock(key), args)),
    ) as ReplaceResult;
  }

  async touch(key: string, expiresAt: number, lastSeenAt: number): Promise<boolean> {
    const args = [this.now(), String(Math.trunc(expiresAt)), String(this.timeToLive(expiresAt)), String(lastSeenAt)];
    return (await this.changing(key, () => this.redis.script(TOUCH, this.sessionAndLock(key), args))) === 1;
  }

  async delete(key: string, generation?: number): Promise<boolean> {
    const args = [this.now(), generation === undefined ? '' : String(generation), this.ends.channel, key];
    return (await this.ending(key, () => this.redis.script(DELETE, this.sessionAndLock(key), args))) === 1;
  }

  async lock(key: string, owner: string, leaseMs: number): Promise<LockResult> {
    const args = [this.now(), owner, String(Math.ceil(leaseMs))];
    this.cache?.suspend(key, leaseMs);
    const answer = await this.redis.script(LOCK, this.sessionAndLock(key), args);
    const [acquired, value, holder] = answer as [number, unknown?, Buffer?];
    const session = decodeRecord(value, this.clock.now());
    if (acquired !== 1) this.cache?.suspend(key);
    if (!session || acquired === 1) return { acquired: session !== undefined, session };
    return { acquired: false, session, ...(holder && { holder: holder.toString() }) };
  }

  async unlock(key: string, owner: string, successor?: LockSuccessor): Promise<void> {
    const next = successor ? [successor.owner, String(Math.ceil(successor.leaseMs))] : ['', ''];
    const args = [this.now(), owner, ...next];
    await this.ending(key, () => this.redis.script(UNLOCK, this.sessionAndLock(key), args));
  }

  async markUsed(key: string, expiresAt: number): Promise<boolean> {
    const expiration = { type: 'PX', value: this.timeToLive(expiresAt) } as const;
    const markKey = `${this.keyPrefix}m:${key}`;
    return (await this.redis.run((redis) => redis.set(markKey, '1', { condition: 'NX', expiration }))) !== null;
  }

  async addMember(key: string, member: string, expiresAt: number): Promise<void> {
    await this.redis.script(ADD_MEMBER, [this.setKey(key)], [this.now(), String(Math.trunc(expiresAt)), member]);
  }

  async members(key: string): Promise<readonly string[]> {
    const members = await this.redis.script(MEMBERS, [this.setKey(key)], [this.now()]);
    return (members as readonly unknown[]).map(String);
  }

  async removeMember(key: string, member: string): Promise<void> {
    await this.redis.script(REMOVE_MEMBER, [this.setKey(key)], [this.now(), member]);
  }

  /** Over a connection of its own, a duplicate of the client, which connects again by itself. Pools cannot. */
  async onDelete(listener: (key: string) => void): Promise<() => void> {
    return this.ends.listen(listener);
  }

  /**
   * Ends the connection of the process cache, and those of `onDelete` that wait for Redis. The client is the application's,
   * and stays open.
   */
  async close(): Promise<void> {
    this.ends.close();
    this.cache?.close();
  }

  /** Whether sessions can be answered from the process now. Asking opens the connection for it when there is none. */
  get isCaching(): boolean {
    return this.cache?.isOn() ?? false;
  }

  /** A write of this process: its next read finds what was written, whenever Redis tells of it. */
  private async changing<T>(key: string, write: () => Promise<T>): Promise<T> {
    this.cache?.forget(key);
    try {
      return await write();
    } finally {
      this.cache?.forget(key);
    }
  }

  /** A write with which a refresh ends, if one was under way here. */
  private async ending<T>(key: string, write: () => Promise<T>): Promise<T> {
    try {
      return await this.changing(key, write);
    } finally {
      this.cache?.resume(key);
    }
  }

  private read(key: string): Promise<FoundSession> {
    return this.redis.get(this.sessionKey(key)).then((value) => decodeRecord(value, this.clock.now()));
  }

  private createCache({ client, maxEntries, maxSilenceMs }: ResolvedProcessCache): ProcessCache {
    const expiration = { type: 'PX', value: 1000 } as const;
    const tracking = new RedisTracking(
      client,
      {
        maxSilenceMs,
        commandOptions: OPTIONS,
        keyPrefix: this.keyPrefix,
        write: (key) => this.redis.run((redis) => redis.set(key, '', { expiration })),
        onChange: (key) => cache.forget(key),
      },
      this.clock,
    );
    const read = (key: string): Promise<FoundSession> => this.read(key);
    const cache = new ProcessCache(maxEntries, tracking, (key) => this.sessionKey(key), read, this.clock);
    return cache;
  }

  private setKey(key: string): string {
    return `${this.keyPrefix}x:${key}`;
  }

  private sessionKey(key: string): string {
    return `${this.keyPrefix}s:{${key}}`;
  }

  /** The braces put both into the same slot of a cluster, so that one script may use them. */
  private sessionAndLock(key: string): string[] {
    return [this.sessionKey(key), `${this.keyPrefix}l:{${key}}`];
  }

  private now(): string {
    return String(this.clock.now());
  }

  /** Relative, so that the clocks of Redis and of this machine need not agree. Redis refuses less than 1 ms. */
  private timeToLive(expiresAt: number): number {
    return Math.max(1, Math.ceil(expiresAt - this.clock.now()));
  }
}
