import { BoundedMap } from '../common/bounded-map.js';
import type { StoredSession } from '../store/session-store.js';
import type { LoadedSession } from './session.js';

const MAX_SESSIONS = 5000;

/**
 * The sessions that this process has opened last, by the cookie's value, so that a user's next request need not open the
 * same bytes again. The store is asked all the same: an entry counts only while the store holds exactly what was opened.
 */
export class RecentSessions {
  private readonly entries = new BoundedMap<LoadedSession>();

  /** The id that belongs to this token, if it was worked out lately. */
  idOf(token: string): string | undefined {
    return this.entries.get(token)?.session.id;
  }

  /** What this token opened these bytes to before; `undefined` when they are others, or that was not lately. */
  find(token: string, { data, generation }: StoredSession): LoadedSession | undefined {
    const loaded = this.entries.use(token);
    if (loaded?.generation !== generation) return undefined;
    // A store that keeps sessions in this process hands out the same bytes.
    return loaded.sealed === data || Buffer.compare(loaded.sealed, data) === 0 ? loaded : undefined;
  }

  keep(loaded: LoadedSession): void {
    if (this.entries.size >= MAX_SESSIONS && !this.entries.has(loaded.token)) this.entries.giveUpOne();
    this.entries.set(loaded.token, loaded);
  }
}
