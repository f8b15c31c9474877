import { BoundedMap, type BoundedEntry } from '../common/bounded-map.js';
import type { Clock, Timer } from '../common/clock.js';

/** What an {@link ExpiringMap} holds: anything that says when it ends, in epoch milliseconds. */
export interface Expiring extends BoundedEntry {
  readonly expiresAt: number;
}

export interface ExpiringMapOptions {
  /** How many entries there can be. At least 1. @default Infinity */
  readonly maxEntries?: number;
  /** Called with the key of an entry that was still alive and had to make room for another. */
  readonly onEvict?: (key: string) => void;
}

/** How often the expired entries that nobody asks for are removed. */
const SWEEP_INTERVAL_MS = 60_000;

/**
 * A `Map` whose entries end at their `expiresAt`, and which never holds more than `maxEntries`. When it is full the
 * expired entries go first, then one that was neither written nor {@link use}d for long.
 *
 * Its timer runs only while there is something to sweep.
 */
export class ExpiringMap<V extends Expiring> {
  private readonly entries = new BoundedMap<V>();
  private readonly maxEntries: number;
  private readonly onEvict: ((key: string) => void) | undefined;
  /** No entry ends before this. Spares a full map the search for expired entries when there cannot be one. */
  private earliestExpiry = Infinity;
  private sweepTimer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    { maxEntries = Infinity, onEvict }: ExpiringMapOptions = {},
  ) {
    this.maxEntries = maxEntries;
    this.onEvict = onEvict;
  }

  get(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value === undefined || value.expiresAt > this.clock.now()) return value;
    this.entries.delete(key);
    return undefined;
  }

  /** As {@link get}; entries that were not used lately are evicted before this one. */
  use(key: string, now = this.clock.now()): V | undefined {
    const value = this.entries.use(key);
    return value === undefined || value.expiresAt > now ? value : this.get(key);
  }

  set(key: string, value: V): void {
    if (!this.entries.has(key)) this.makeRoom();
    this.entries.set(key, value);
    this.earliestExpiry = Math.min(this.earliestExpiry, value.expiresAt);
    this.sweepTimer ??= this.scheduleSweep();
  }

  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  clear(): void {
    this.sweepTimer?.cancel();
    this.sweepTimer = undefined;
    this.entries.clear();
    this.earliestExpiry = Infinity;
  }

  private makeRoom(): void {
    if (this.entries.size < this.maxEntries) return;
    if (this.earliestExpiry <= this.clock.now()) this.removeExpired();
    if (this.entries.size < this.maxEntries) return;
    const evicted = this.entries.giveUpOne();
    if (evicted !== undefined) this.onEvict?.(evicted);
  }

  private removeExpired(): void {
    const now = this.clock.now();
    this.earliestExpiry = Infinity;
    for (const [key, { expiresAt }] of this.entries) {
      if (expiresAt <= now) this.entries.delete(key);
      else this.earliestExpiry = Math.min(this.earliestExpiry, expiresAt);
    }
  }

  private scheduleSweep(): Timer {
    const timer = this.clock.schedule(SWEEP_INTERVAL_MS, () => {
      this.removeExpired();
      this.sweepTimer = this.entries.size > 0 ? this.scheduleSweep() : undefined;
    });
    timer.unref();
    return timer;
  }
}
