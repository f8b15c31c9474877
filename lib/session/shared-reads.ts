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
    if (isPending(found)) this.share(id, found);
    return found;
  }

  private share(id: string, found: Promise<FoundSession>): void {
    // Not `queueMicrotask`, which a test's fake timers replace.
    if (this.asked.size === 0) void Promise.resolve().then(this.forget);
    this.asked.set(id, found);
  }

  /** Comes after all that were let go with the first one (cohort.ts), and before what any of them is answered. */
  private readonly forget = (): void => this.asked.clear();
}

export function isPending(found: FoundSession | Promise<FoundSession>): found is Promise<FoundSession> {
  return found !== undefined && 'then' in found;
}
