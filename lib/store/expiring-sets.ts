import type { Clock } from '../common/clock.js';
import { type Expiring, ExpiringMap } from './expiring-map.js';

interface Member {
  readonly name: string;
  readonly expiresAt: number;
}

interface ExpiringSet extends Expiring {
  readonly members: readonly Member[];
}

/** Sets whose members end each at a time of its own. A set goes with its last member. Most have one, so they are arrays. */
export class ExpiringSets {
  private readonly sets: ExpiringMap<ExpiringSet>;

  constructor(private readonly clock: Clock) {
    this.sets = new ExpiringMap(clock);
  }

  add(key: string, member: string, expiresAt: number): void {
    this.keep(key, [...this.others(key, member), { name: member, expiresAt }]);
  }

  read(key: string): readonly string[] {
    return this.living(key).map(({ name }) => name);
  }

  remove(key: string, member: string): void {
    this.keep(key, this.others(key, member));
  }

  clear(): void {
    this.sets.clear();
  }

  private keep(key: string, members: readonly Member[]): void {
    if (members.length === 0) return void this.sets.delete(key);
    const expiresAt = Math.max(...members.map((member) => member.expiresAt));
    this.sets.set(key, { members, expiresAt, wasUsed: false });
  }

  private others(key: string, member: string): readonly Member[] {
    return this.living(key).filter(({ name }) => name !== member);
  }

  private living(key: string): readonly Member[] {
    const now = this.clock.now();
    return this.sets.get(key)?.members.filter(({ expiresAt }) => expiresAt > now) ?? [];
  }
}
