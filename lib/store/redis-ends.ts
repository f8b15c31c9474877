import type { RedisSessionClient, RedisSubscriber } from './redis-commands.js';

/** Connections over which Redis tells of sessions that have ended: of its own for each listener, since they listen only. */
export class RedisEnds {
  private readonly connecting = new Set<RedisSubscriber>();

  constructor(
    private readonly client: RedisSessionClient,
    /** Redis' channels are one space for all its databases. */
    readonly channel: string,
  ) {}

  /** Answers how to stop. Rejects when Redis refuses, and when this is closed before Redis is there. */
  async listen(listener: (key: string) => void): Promise<() => void> {
    const subscriber = this.client.duplicate?.();
    if (!subscriber) throw new TypeError('This Redis client cannot be duplicated, so it cannot listen.');
    subscriber.on('error', () => undefined);
    this.connecting.add(subscriber);
    try {
      await subscriber.connect();
      // What is destroyed while it connects may be connected now.
      if (!this.connecting.has(subscriber)) throw new Error('The store was closed.');
      await subscriber.subscribe(this.channel, listener);
    } catch (error) {
      await destroy(subscriber);
      throw error;
    } finally {
      this.connecting.delete(subscriber);
    }
    return () => void destroy(subscriber);
  }

  /** What listens goes on until it is stopped: another application in this process may use the same store. */
  close(): void {
    for (const subscriber of this.connecting) void destroy(subscriber);
    this.connecting.clear();
  }
}

/** Nobody is left to be told that a connection did not end well. */
async function destroy(subscriber: RedisSubscriber): Promise<void> {
  try {
    await subscriber.destroy();
  } catch {
    // It connects to nothing any more.
  }
}
