/** What a {@link BoundedMap} holds: objects of its own, so that it needs none beside them for its flag. */
export interface BoundedEntry {
  /** Since the map last made room. For the map alone. */
  wasUsed?: boolean;
}

/**
 * A `Map` that gives up what was not used for long. To use an entry sets a flag; order is made when one has to go: what was
 * used meanwhile moves to the end ("second chance"). To move an entry at each use would cost more than to find it.
 */
export class BoundedMap<V extends BoundedEntry> {
  private readonly entries = new Map<string, V>();

  get size(): number {
    return this.entries.size;
  }

  get(key: string): V | undefined {
    return this.entries.get(key);
  }

  /** As {@link get}; others are given up before this one. */
  use(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) value.wasUsed = true;
    return value;
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  /** Counts as a use of what is there already. */
  set(key: string, value: V): void {
    value.wasUsed = this.entries.has(key);
    this.entries.set(key, value);
  }

  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
  }

  /** Removes the oldest entry that was not used lately, and answers its key; `undefined` when there is none. */
  giveUpOne(): string | undefined {
    // What is moved to the end comes round again, its flag cleared.
    for (const [key, value] of this.entries) {
      this.entries.delete(key);
      if (!value.wasUsed) return key;
      value.wasUsed = false;
      this.entries.set(key, value);
    }
    return undefined;
  }

  [Symbol.iterator](): IterableIterator<[key: string, value: V]> {
    return this.entries[Symbol.iterator]();
  }
}
