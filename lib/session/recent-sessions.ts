import { BoundedMap, type BoundedEntry } from '../common/bounded-map.js';
import type { StoredSession } from '../store/session-store.js';
import type { LoadedSession } from './session.js';

const MAX_SESSIONS = 5000;
/** A power of two. */
const MARKS = 8192;

/** A session that this process has opened. */
export class RecentSession implements BoundedEntry {
  wasUsed = false;
  /** What the store keeps, and hands out time and again, where it was found to be what was opened. */
  private kept: StoredSession | undefined;

  constructor(readonly loaded: LoadedSession) {}

  /** Whether this is what was opened. `isKept`: the store hands out this object for as long as the session stays as it is. */
  isOf(stored: StoredSession, isKept: boolean): boolean {
    const { generation, sealed } = this.loaded;
    if (generation !== stored.generation) return false;
    if (this.kept === stored) return true;
    if (Buffer.compare(sealed, stored.data) !== 0) return false;
    if (isKept) this.kept = stored;
    return true;
  }
}

/**
 * The sessions that this process has opened last, by the cookie's value, so that a user's next request need not open the
 * same bytes again. The store is asked all the same: an entry counts only while the store holds exactly what was opened.
 *
 * Once there are as many as can be kept, one must come twice to take another's place ("doorkeeper": Einziger and others,
 * TinyLFU, 2017). Where so many users take turns that none is found again, to keep each only makes work for the garbage
 * collector.
 */
export class RecentSessions {
  private readonly entries = new BoundedMap<RecentSession>();
  /** Of sessions that were not kept: a part of the id of the last one for each place. */
  private readonly marks = new Int32Array(MARKS);

  find(token: string): RecentSession | undefined {
    return this.entries.use(token);
  }

  keep(loaded: LoadedSession): void {
    if (this.entries.size >= MAX_SESSIONS && !this.entries.has(loaded.token)) {
      if (!this.wasMarked(loaded.session.id)) return;
      this.entries.giveUpOne();
    }
    this.entries.set(loaded.token, new RecentSession(loaded));
  }

  private wasMarked(id: string): boolean {
    const mark = markOf(id);
    const place = mark & (MARKS - 1);
    if (this.marks[place] === mark) return true;
    this.marks[place] = mark;
    return false;
  }
}

/** 32 bits of an id, which is a hash itself. */
function markOf(id: string): number {
  let mark = 0;
  for (let index = 0; index < 6; index += 1) mark = Math.imul(mark, 61) + id.charCodeAt(index);
  return mark | 0;
}
