import { MemorySessionStore } from 'nest-oidc';
import type { Clock } from 'nest-oidc/testing';
import { WatchedStore } from '../session/given.js';

/** The memory store, its commands counted and failing at will; it tells of what it deletes. */
export class CountedStore extends WatchedStore {
  readonly onDelete = (listener: (id: string) => void): Promise<() => void> => this.memory.onDelete(listener);

  private constructor(private readonly memory: MemorySessionStore) {
    super(memory);
  }

  static on(clock: Clock): CountedStore {
    return new CountedStore(new MemorySessionStore({}, clock));
  }
}
