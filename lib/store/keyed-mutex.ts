/** Runs work one at a time per key, in the order of the calls. Different keys do not wait for each other. */
export class KeyedMutex {
  private readonly tails = new Map<string, Promise<unknown>>();

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const forget = (): void => {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    };
    // The caller has the rejection. Here it only says that the next one may begin.
    const tail: Promise<unknown> = result.then(forget, forget);
    this.tails.set(key, tail);
    return result;
  }
}
