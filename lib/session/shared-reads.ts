import { isPending } from '../common/pending.js';
import type { FoundSession, SessionStore } from '../store/session-store.js';

/**
 * Requests of one session that come in together (cohort.ts), as a page sends them, ask the store once. All of them had been
 * received before the first one asked, so what it is answered is as new as each of them may expect. Who asks later asks
 * again, even while that read is under way: a logout may lie between.
 */
export class SharedReads {
  private readonly asked = new Map<string, Promise<FoundSession>>();

  constructor(private readonly store: SessionStore) {}

  /** As the store's own `get`: what it answers at once, it answers each. */
  get(id: string): FoundSession | Promise<FoundSession> {
    const asked = this.asked.get(id);
    if (asked) return asked;
    const found = this.store.get(id);
    return isPending(found) ? this.share(id, found) : found;
  }

  private share(id: string, found: Promise<FoundSession>): Promise<FoundSession> {
    if (this.asked.size === 0) void this.forget();
    // Some databases answer with a query that is run anew each time it is awaited.
    const once = Promise.resolve(found);
    this.asked.set(id, once);
    return once;
  }

  /**
   * Comes after all that were let go with the first one (cohort.ts), and before what any of them is answered. By `await`,
   * which nothing replaces: a test's fake timers do `queueMicrotask`.
   */
  private async forget(): Promise<void> {
    await undefined;
    this.asked.clear();
  }
}
