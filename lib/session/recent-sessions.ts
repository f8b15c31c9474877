import { BoundedMap, type BoundedEntry } from '../common/bounded-map.js';
import type { StoredSession } from '../store/session-store.js';
import type { LoadedSession } from './session.js';

const MAX_SESSIONS = 5000;

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
 */
export class RecentSessions {
  private readonly entries = new BoundedMap<RecentSession>();

  find(token: string): RecentSession | undefined {
    return this.entries.use(token);
  }

  keep(loaded: LoadedSession): void {
    if (this.entries.size >= MAX_SESSIONS && !this.entries.has(loaded.token)) this.entries.giveUpOne();
    this.entries.set(loaded.token, new RecentSession(loaded));
  }
}
