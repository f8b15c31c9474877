import type { Cache } from 'cache-manager';

export type Keyv = Cache['stores'][number];

/**
 * A Keyv whose trouble is always a rejection.
 *
 * cache-manager turns a failed read into "not there", and Keyv turns failures into an `error` event, into `false` or into
 * nothing at all, depending on the method and on the adapter. So cache-manager is passed by, `getRaw` is the read of
 * Keyv that lets the adapter's errors through, and an `error` event during an operation fails that operation: which
 * one it belongs to, Keyv does not tell.
 */
export class CheckedKeyv {
  private errors = 0;
  private lastError: unknown;

  constructor(private readonly keyv: Keyv) {
    keyv.on('error', (error: unknown) => {
      this.errors += 1;
      this.lastError = error;
    });
  }

  async get(key: string): Promise<unknown> {
    const entry = await this.checked(() => this.keyv.getRaw(key));
    return entry?.value;
  }

  async set(key: string, value: unknown, timeToLiveMs: number): Promise<void> {
    const written = await this.checked(() => this.keyv.set(key, value, timeToLiveMs));
    if (!written) throw new Error('The cache did not keep the value.');
  }

  /** `false` when there was nothing to remove, as far as the adapter can tell. */
  async delete(key: string): Promise<boolean> {
    const removed = await this.checked(() => this.keyv.delete(key));
    if (!removed && (await this.get(key)) !== undefined) throw new Error('The cache did not remove the value.');
    return removed;
  }

  private async checked<T>(operation: () => Promise<T>): Promise<T> {
    const errorsBefore = this.errors;
    const result = await operation();
    if (this.errors !== errorsBefore) throw new Error('The cache reported an error.', { cause: this.lastError });
    return result;
  }
}
