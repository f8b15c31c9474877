import { type Clock, systemClock } from '../common/clock.js';
import { OidcConfigurationError } from '../common/errors.js';
import type { LockResult, LockSuccessor, ReplaceResult, SessionStore, StoredSession } from './session-store.js';
import { RedisCommandRunner, type RedisSessionClient } from './redis-commands.js';
import { ADD_MEMBER, DELETE, LOCK, MEMBERS, REMOVE_MEMBER, REPLACE, TOUCH, UNLOCK } from './redis-scripts.js';

export type { RedisSessionClient } from './redis-commands.js';

export interface RedisSessionStoreOptions {
  /**
   * Put before every key: sessions are `<prefix>s:{…}`, locks `<prefix>l:{…}`, marks `<prefix>m:…`, sets `<prefix>x:…`.
   * Applications that share a Redis need one each. @default 'oidc:'
   */
  readonly keyPrefix?: string;
  /** How long Redis may take to answer; half a second at most while it is away. Seconds, above 0, up to 10. @default 2 */
  readonly commandTimeout?: number;
}

/** Generation, expiry and last use, each an unsigned 64-bit integer, big-endian. `data` follows. */
const HEADER_BYTES = 24;
const EXPIRES_AT_OFFSET = 8;
const LAST_SEEN_AT_OFFSET = 16;

/**
 * Keeps sessions in Redis 6 or newer (or what speaks its protocol and runs its scripts), for any number of processes.
 * Every method is atomic and one round trip; reading a session is one `GET`.
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

  /** @throws {OidcConfigurationError} when `commandTimeout` is out of range. */
  constructor(
    private readonly client: RedisSessionClient,
    { keyPrefix = 'oidc:', commandTimeout = 2 }: RedisSessionStoreOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    if (!(commandTimeout > 0 && commandTimeout <= 10)) {
      throw new OidcConfigurationError(['RedisSessionStore: commandTimeout must be above 0 and at most 10 seconds.']);
    }
    this.keyPrefix = keyPrefix;
    this.redis = new RedisCommandRunner(client, commandTimeout * 1000, clock);
  }

  async get(key: string): Promise<StoredSession | undefined> {
    return this.decode(await this.redis.run((redis) => redis.get(this.sessionKey(key))));
  }

  async create(key: string, session: StoredSession): Promise<void> {
    const expiration = { type: 'PX', value: this.timeToLive(session.expiresAt) } as const;
    await this.redis.run((redis) => redis.set(this.sessionKey(key), encode(session), { expiration }));
  }

  async replace(
    key: string,
    session: StoredSession,
    expectedGeneration: number,
    owner: string,
  ): Promise<ReplaceResult> {
    const timeToLive = this.timeToLive(session.expiresAt);
    const args = [this.now(), String(expectedGeneration), owner, encode(session), String(timeToLive)];
    return String(await this.redis.script(REPLACE, this.sessionAndLock(key), args)) as ReplaceResult;
  }

  async touch(key: string, expiresAt: number, lastSeenAt: number): Promise<boolean> {
    const args = [this.now(), String(Math.trunc(expiresAt)), String(this.timeToLive(expiresAt)), String(lastSeenAt)];
    return (await this.redis.script(TOUCH, this.sessionAndLock(key), args)) === 1;
  }

  async delete(key: string, generation?: number): Promise<boolean> {
    const args = [this.now(), generation === undefined ? '' : String(generation), this.channel, key];
    return (await this.redis.script(DELETE, this.sessionAndLock(key), args)) === 1;
  }

  async lock(key: string, owner: string, leaseMs: number): Promise<LockResult> {
    const args = [this.now(), owner, String(Math.ceil(leaseMs))];
    const answer = await this.redis.script(LOCK, this.sessionAndLock(key), args);
    const [acquired, value, holder] = answer as [number, unknown?, Buffer?];
    const session = this.decode(value);
    if (!session || acquired === 1) return { acquired: session !== undefined, session };
    return { acquired: false, session, ...(holder && { holder: holder.toString() }) };
  }

  async unlock(key: string, owner: string, successor?: LockSuccessor): Promise<void> {
    const next = successor ? [successor.owner, String(Math.ceil(successor.leaseMs))] : ['', ''];
    await this.redis.script(UNLOCK, this.sessionAndLock(key), [this.now(), owner, ...next]);
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
    const subscriber = this.client.duplicate?.();
    if (!subscriber) throw new TypeError('This Redis client cannot be duplicated, so it cannot listen.');
    subscriber.on('error', () => undefined);
    await subscriber.connect();
    await subscriber.subscribe(this.channel, listener);
    return () => void subscriber.destroy();
  }

  /** Redis' channels are one space for all its databases. */
  private get channel(): string {
    return `${this.keyPrefix}deleted`;
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

  /** A value too short to be one of ours is no session: an error would meet its user again at every request. */
  private decode(value: unknown): StoredSession | undefined {
    if (value === null || value === undefined) return undefined;
    if (!Buffer.isBuffer(value)) {
      throw new TypeError('The Redis client did not return a Buffer. Hand RedisSessionStore a client of node-redis 6.');
    }
    if (value.length < HEADER_BYTES) return undefined;
    const expiresAt = Number(value.readBigUInt64BE(EXPIRES_AT_OFFSET));
    if (expiresAt <= this.clock.now()) return undefined;
    return {
      data: value.subarray(HEADER_BYTES),
      generation: Number(value.readBigUInt64BE()),
      expiresAt,
      lastSeenAt: Number(value.readBigUInt64BE(LAST_SEEN_AT_OFFSET)),
    };
  }
}

function encode({ data, generation, expiresAt, lastSeenAt }: StoredSession): Buffer {
  const value = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  value.writeBigUInt64BE(BigInt(generation));
  value.writeBigUInt64BE(BigInt(Math.trunc(expiresAt)), EXPIRES_AT_OFFSET);
  value.writeBigUInt64BE(BigInt(Math.trunc(lastSeenAt)), LAST_SEEN_AT_OFFSET);
  value.set(data, HEADER_BYTES);
  return value;
}
