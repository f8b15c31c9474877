import type { Clock } from '../common/clock.js';
import { ExpiringMap, type Expiring } from './expiring-map.js';
import { decodeRecord } from './redis-record.js';
import type { RedisTracking } from './redis-tracking.js';
import type { FoundSession, StoredSession } from './session-store.js';

interface Entry extends Expiring {
  readonly session: StoredSession;
}

/** Who waits for another's refresh asks for the lock again and again, at least this often. */
const WAITING_MS = 500;

/**
 * Sessions that this process has read and that Redis, as it would have told otherwise, still has as they were read.
 *
 * A request reads over the connection of the application, as without a cache. What is there is then read once more over
 * the tracked connection, beside the request: that the connection has trouble delays nobody, and Redis need not remember
 * who asked for sessions that do not exist.
 */
export class ProcessCache {
  private readonly entries: ExpiringMap<Entry>;
  /** The youngest read under way of each key. One that is not here any more was overtaken by a change. */
  private readonly fills = new Map<string, object>();
  /** Keys whose refresh is under way here. */
  private readonly suspended: ExpiringMap<Expiring>;

  constructor(
    maxEntries: number,
    private readonly tracking: RedisTracking,
    private readonly redisKey: (key: string) => string,
    private readonly readThrough: (key: string) => Promise<FoundSession>,
    private readonly clock: Clock,
  ) {
    this.entries = new ExpiringMap(clock, { maxEntries });
    this.suspended = new ExpiringMap(clock);
  }

  isOn(): boolean {
    return this.tracking.isOn();
  }

  /** The same object for as long as the session stays as it is, and without a promise while Redis is heard of. */
  get(key: string): StoredSession | Promise<FoundSession> {
    const now = this.clock.now();
    const known = this.entries.use(key, now);
    if (!known) return this.read(key);
    if (!this.tracking.isTrusted(now)) return this.getOnceHeard(key, now);
    this.tracking.keepTrusted(now);
    return known.session;
  }

  /** Keeps nothing of this session while it is written or its refresh is under way here, until {@link resume}. */
  suspend(key: string, forMs = WAITING_MS): void {
    this.suspended.set(key, { expiresAt: this.clock.now() + forMs });
    this.forget(key);
  }

  resume(key: string): void {
    this.suspended.delete(key);
    this.forget(key);
  }

  /** Forgets a session, or all of them. */
  forget(key?: string): void {
    if (key === undefined) {
      this.entries.clear();
      this.fills.clear();
      return;
    }
    this.entries.delete(key);
    this.fills.delete(key);
  }

  close(): void {
    this.tracking.close();
    this.suspended.clear();
  }

  private async getOnceHeard(key: string, askedAt: number): Promise<FoundSession> {
    await this.tracking.hear();
    const still = this.entries.get(key);
    return still && this.tracking.isTrusted(askedAt) ? still.session : this.read(key);
  }

  private async read(key: string): Promise<FoundSession> {
    const session = await this.readThrough(key);
    if (session && this.tracking.isOn() && this.isWanted(key)) void this.fill(key);
    return session;
  }

  private isWanted(key: string): boolean {
    return !this.suspended.get(key) && !this.fills.has(key) && !this.entries.get(key);
  }

  private async fill(key: string): Promise<void> {
    const fill = {};
    this.fills.set(key, fill);
    const read = await this.tracking.read(this.redisKey(key)).catch(() => undefined);
    if (this.fills.get(key) !== fill) return;
    this.fills.delete(key);
    const session = read && decodeRecord(copyOf(read.value), this.clock.now());
    if (session) {
      this.entries.set(key, { session, expiresAt: Math.min(session.expiresAt, read.expiresAt) });
    }
  }
}

/** The client answers windows on what it has received, which would be kept with them. */
function copyOf(value: unknown): unknown {
  if (!Buffer.isBuffer(value)) return value;
  const copy = Buffer.allocUnsafeSlow(value.length);
  value.copy(copy);
  return copy;
}
