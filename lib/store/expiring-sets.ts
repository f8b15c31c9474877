import type { Clock } from '../common/clock.js';
import { ExpiringMap } from './expiring-map.js';

interface ExpiringSet {
  readonly ends: Map<string, number>;
  readonly expiresAt: number;
}

/** Sets whose members end each at a time of its own. A set goes with its last member. */
export class ExpiringSets {
  private readonly sets: ExpiringMap<ExpiringSet>;

  constructor(private readonly clock: Clock) {
    this.sets = new ExpiringMap(clock);
  }

  add(key: string, member: string, expiresAt: number): void {
    const ends = this.living(key).set(member, expiresAt);
    this.sets.set(key, { ends, expiresAt: Math.max(...ends.values()) });
  }

  read(key: string): readonly string[] {
    return [...this.living(key).keys()];
  }

  remove(key: string, member: string): void {
    const set = this.sets.get(key);
    if (set?.ends.delete(member) && set.ends.size === 0) this.sets.delete(key);
  }

  clear(): void {
    this.sets.clear();
  }

  private living(key: string): Map<string, number> {
    const ends = this.sets.get(key)?.ends ?? new Map<string, number>();
    for (const [member, end] of ends) if (end <= this.clock.now()) ends.delete(member);
    return ends;
  }
}
