import type { Clock } from '../common/clock.js';
import { type Expiring, ExpiringMap } from './expiring-map.js';

interface Lock extends Expiring {
  readonly owner: string;
}

/** Locks with an owner and a lease, for stores whose sessions belong to one process. */
export class ProcessLocks {
  private readonly locks: ExpiringMap<Lock>;

  constructor(private readonly clock: Clock) {
    this.locks = new ExpiringMap(clock);
  }

  /** `true` if `owner` holds the lock now, for `leaseMs` from now on. */
  take(key: string, owner: string, leaseMs: number): boolean {
    const holder = this.locks.get(key)?.owner ?? owner;
    if (holder !== owner) return false;
    this.locks.set(key, { owner, expiresAt: this.clock.now() + leaseMs });
    return true;
  }

  /** Ends the lock if `owner` holds it. */
  release(key: string, owner: string): void {
    if (this.locks.get(key)?.owner === owner) this.locks.delete(key);
  }

  /** Ends the lock, whoever holds it: its session is gone. */
  drop(key: string): void {
    this.locks.delete(key);
  }

  clear(): void {
    this.locks.clear();
  }
}
