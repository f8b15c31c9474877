interface Entry<V> {
  value: V;
  /** Since the map last made room. */
  wasUsed: boolean;
}

/**
 * A `Map` that gives up what was not used for long. To use an entry sets a flag; order is made when one has to go: what was
 * used meanwhile moves to the end ("second chance"). To move an entry at each use would cost more than to find it.
 */
export class BoundedMap<V> {
  private readonly entries = new Map<string, Entry<V>>();

  get size(): number {
    return this.entries.size;
  }

  get(key: string): V | undefined {
    return this.entries.get(key)?.value;
  }

  /** As {@link get}; others are given up before this one. */
  use(key: string): V | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    entry.wasUsed = true;
    return entry.value;
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  /** Counts as a use of what is there already. */
  set(key: string, value: V): void {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      this.entries.set(key, { value, wasUsed: false });
      return;
    }
    entry.value = value;
    entry.wasUsed = true;
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
    for (const [key, entry] of this.entries) {
      this.entries.delete(key);
      if (!entry.wasUsed) return key;
      entry.wasUsed = false;
      this.entries.set(key, entry);
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<readonly [key: string, value: V]> {
    for (const [key, { value }] of this.entries) yield [key, value];
  }
}
