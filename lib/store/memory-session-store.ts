import { type Clock, systemClock } from '../common/clock.js';
import type {
  FoundSession,
  LockResult,
  LockSuccessor,
  ReplaceResult,
  SessionStore,
  StoredSession,
} from './session-store.js';
import { type Expiring, ExpiringMap } from './expiring-map.js';
import { ExpiringSets } from './expiring-sets.js';
import { KeptSession } from './kept-session.js';
import { Listeners } from './listeners.js';
import { ProcessLocks } from './process-locks.js';
import { StoreProblems } from './store-options.js';

export interface MemorySessionStoreOptions {
  /**
   * How many sessions are kept. When there are more, expired ones go first, then one that was not used for long: its user
   * has to log in again. An integer, at least 1. @default 50_000
   */
  readonly maxSessions?: number | undefined;
  /** Called each time a session that was still alive had to go for a new one. Must not throw. */
  readonly onEvict?: (() => void) | undefined;
}

/** Marks are small and short-lived. When there are more, the oldest goes, and what it marked could be used again. */
const MAX_MARKS = 10_000;

/**
 * Keeps sessions in this process: for development, for tests and for an application that is one process and may forget
 * its sessions when it restarts. Several processes need a store they share, such as `RedisSessionStore`.
 */
export class MemorySessionStore implements SessionStore {
  private readonly sessions: ExpiringMap<KeptSession>;
  private readonly marks: ExpiringMap<Expiring>;
  private readonly locks: ProcessLocks;
  private readonly sets: ExpiringSets;
  private readonly deleted = new Listeners<string>();

  /** @throws {OidcConfigurationError} naming every option that cannot be used. */
  constructor(options: MemorySessionStoreOptions = {}, clock: Clock = systemClock) {
    const problems = new StoreProblems('MemorySessionStore');
    const { maxSessions = 50_000, onEvict } = problems.read(options, ['maxSessions', 'onEvict']);
    problems.unless(Number.isInteger(maxSessions) && maxSessions >= 1, 'maxSessions must be an integer of at least 1.');
    problems.unless(onEvict === undefined || typeof onEvict === 'function', 'onEvict must be a function.');
    problems.throwAll();
    this.locks = new ProcessLocks(clock);
    this.sets = new ExpiringSets(clock);
    this.marks = new ExpiringMap(clock, { maxEntries: MAX_MARKS });
    this.sessions = new ExpiringMap(clock, {
      maxEntries: maxSessions,
      onEvict: (key) => {
        this.locks.drop(key);
        onEvict?.();
      },
    });
  }

  get(key: string): FoundSession | Promise<FoundSession> {
    return this.sessions.use(key);
  }

  async create(key: string, session: StoredSession): Promise<void> {
    this.sessions.set(key, KeptSession.of(session));
  }

  async replace(
    key: string,
    session: StoredSession,
    expectedGeneration: number,
    owner: string,
  ): Promise<ReplaceResult> {
    const current = this.sessions.get(key);
    if (!current) return 'gone';
    if (current.generation !== expectedGeneration) return 'moved';
    this.sessions.set(key, KeptSession.of(session));
    this.locks.release(key, owner);
    return 'written';
  }

  async touch(key: string, expiresAt: number, lastSeenAt: number): Promise<boolean> {
    const current = this.sessions.get(key);
    if (!current) return false;
    this.sessions.set(key, current.touched(expiresAt, lastSeenAt));
    return true;
  }

  async delete(key: string, generation?: number): Promise<boolean> {
    const current = this.sessions.get(key);
    if (!current || (generation !== undefined && current.generation !== generation)) return false;
    this.locks.drop(key);
    this.sessions.delete(key);
    this.deleted.tell(key);
    return true;
  }

  async lock(key: string, owner: string, leaseMs: number): Promise<LockResult> {
    const session = this.sessions.use(key);
    return this.locks.answer(key, owner, leaseMs, session);
  }

  async unlock(key: string, owner: string, successor?: LockSuccessor): Promise<void> {
    this.locks.release(key, owner, successor);
  }

  async markUsed(key: string, expiresAt: number): Promise<boolean> {
    if (this.marks.get(key)) return false;
    this.marks.set(key, { expiresAt });
    return true;
  }

  async addMember(key: string, member: string, expiresAt: number): Promise<void> {
    this.sets.add(key, member, expiresAt);
  }

  async members(key: string): Promise<readonly string[]> {
    return this.sets.read(key);
  }

  async removeMember(key: string, member: string): Promise<void> {
    this.sets.remove(key, member);
  }

  async onDelete(listener: (key: string) => void): Promise<() => void> {
    return this.deleted.add(listener);
  }

  /** Forgets everything. */
  async close(): Promise<void> {
    this.sessions.clear();
    this.locks.clear();
    this.marks.clear();
    this.sets.clear();
  }
}
