import type { Clock } from '../common/clock.js';
import { type Expiring, ExpiringMap } from './expiring-map.js';

/** A set of one member, as most are: a `Map` would take more than all the rest of it. */
interface SingleMember extends Expiring {
  readonly name: string;
}

interface ManyMembers extends Expiring {
  /** When each member ends, in the order in which they were added. */
  readonly ends: Map<string, number>;
  /** Not before the last member ends. */
  expiresAt: number;
  /** What has ended is removed when there are this many: to look for it at every addition would take too long. */
  pruneAt: number;
}

/** Sets whose members end each at a time of its own. A set goes with its last member. */
export class ExpiringSets {
  private readonly sets: ExpiringMap<SingleMember | ManyMembers>;

  constructor(private readonly clock: Clock) {
    this.sets = new ExpiringMap(clock);
  }

  add(key: string, member: string, expiresAt: number): void {
    const set = this.sets.get(key);
    if (!set || ('name' in set && set.name === member)) {
      this.sets.set(key, { name: member, expiresAt, wasUsed: false });
      return;
    }
    const many = 'name' in set ? manyOf(set) : set;
    many.ends.delete(member);
    many.ends.set(member, expiresAt);
    many.expiresAt = Math.max(many.expiresAt, expiresAt);
    if (many.ends.size >= many.pruneAt) prune(many, this.clock.now());
    this.sets.set(key, many);
  }

  read(key: string): readonly string[] {
    const set = this.sets.get(key);
    if (!set) return [];
    if ('name' in set) return [set.name];
    prune(set, this.clock.now());
    return [...set.ends.keys()];
  }

  remove(key: string, member: string): void {
    const set = this.sets.get(key);
    if (!set) return;
    if ('name' in set ? set.name === member : set.ends.delete(member) && set.ends.size === 0) this.sets.delete(key);
  }

  clear(): void {
    this.sets.clear();
  }
}

function manyOf({ name, expiresAt }: SingleMember): ManyMembers {
  return { ends: new Map([[name, expiresAt]]), expiresAt, pruneAt: 0, wasUsed: false };
}

function prune(set: ManyMembers, now: number): void {
  set.expiresAt = now;
  for (const [name, expiresAt] of set.ends) {
    if (expiresAt <= now) set.ends.delete(name);
    else set.expiresAt = Math.max(set.expiresAt, expiresAt);
  }
  set.pruneAt = 2 * set.ends.size;
}
