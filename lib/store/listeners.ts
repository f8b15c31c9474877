/** Who wants to be told of something that happens now and then. */
export class Listeners<T> {
  private readonly listeners = new Set<(message: T) => void>();

  /** Answers how to stop. */
  add(listener: (message: T) => void): () => void {
    // A function of its own each time: the same listener, added twice, is told twice, and stops one by one.
    const entry = (message: T): void => listener(message);
    this.listeners.add(entry);
    return () => void this.listeners.delete(entry);
  }

  tell(message: T): void {
    for (const listener of this.listeners) listener(message);
  }
}
