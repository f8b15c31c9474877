import type { StoredSession } from '../store/session-store.js';
import type { LoadedSession } from './session.js';

const MAX_SESSIONS = 5000;

/**
 * The sessions that this process has opened last, so that a user's next request need not open the same bytes again. The
 * store is asked all the same: an entry counts only while the store holds exactly what was opened.
 */
export class RecentSessions {
  private readonly entries = new Map<string, LoadedSession>();

  /** What this token opened these bytes to before; `undefined` when either is another one, or that was not lately. */
  find(id: string, token: string, { data, generation }: StoredSession): LoadedSession | undefined {
    const loaded = this.entries.get(id);
    if (loaded?.token !== token) return undefined;
    // Whether it is used again or replaced, it is the newest now.
    this.entries.delete(id);
    if (loaded.generation !== generation || Buffer.compare(loaded.sealed, data) !== 0) return undefined;
    this.entries.set(id, loaded);
    return loaded;
  }

  keep(id: string, loaded: LoadedSession): void {
    this.entries.set(id, loaded);
    if (this.entries.size <= MAX_SESSIONS) return;
    for (const oldest of this.entries.keys()) return void this.entries.delete(oldest);
  }
}
