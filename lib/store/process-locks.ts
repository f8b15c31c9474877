import type { Clock } from '../common/clock.js';
import { isRunning } from '../common/span.js';
import { type Expiring, ExpiringMap } from './expiring-map.js';
import type { LockResult, LockSuccessor, StoredSession } from './session-store.js';

interface Lock extends Expiring {
  readonly owner: string;
  readonly since: number;
  readonly leaseMs: number;
}

/** Locks with an owner and a lease, for stores whose sessions belong to one process. */
export class ProcessLocks {
  private readonly locks: ExpiringMap<Lock>;

  constructor(private readonly clock: Clock) {
    this.locks = new ExpiringMap(clock);
  }

  /** Takes the lock of an existing session, if it is free, and answers as a store does. */
  answer(key: string, owner: string, leaseMs: number, session: StoredSession | undefined): LockResult {
    if (!session) return { acquired: false, session };
    if (this.take(key, owner, leaseMs)) return { acquired: true, session };
    const holder = this.holderOf(key);
    return { acquired: false, session, ...(holder !== undefined && { holder }) };
  }

  /** Ends the lock if `owner` holds it, or hands it on. */
  release(key: string, owner: string, successor?: LockSuccessor): void {
    if (this.holderOf(key) !== owner) return;
    this.locks.delete(key);
    if (successor) this.take(key, successor.owner, successor.leaseMs);
  }

  /** Ends the lock, whoever holds it: its session is gone. */
  drop(key: string): void {
    this.locks.delete(key);
  }

  clear(): void {
    this.locks.clear();
  }

  /** `true` if `owner` holds the lock now, for `leaseMs` from now on. */
  private take(key: string, owner: string, leaseMs: number): boolean {
    const holder = this.holderOf(key) ?? owner;
    if (holder !== owner) return false;
    const since = this.clock.now();
    this.locks.set(key, { owner, since, leaseMs, expiresAt: since + leaseMs });
    return true;
  }

  private holderOf(key: string): string | undefined {
    const lock = this.locks.get(key);
    return lock && isRunning(lock.since, lock.leaseMs, this.clock.now()) ? lock.owner : undefined;
  }
}
