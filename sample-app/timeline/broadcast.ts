import { closeRedis, type RedisClient } from '../redis-client.js';

export type Listener = (text: string) => void;

/** Tells the other processes of the app. Best effort: what cannot be told now is not told later. */
export interface Broadcast {
  /** Calls `listener` with whatever a process has told, this one included, at once. */
  listen(listener: Listener): void;
  tell(text: string): void;
  close(): Promise<void>;
}

/** For an app that is one process. */
export class LocalBroadcast implements Broadcast {
  private listener: Listener = () => undefined;

  listen(listener: Listener): void {
    this.listener = listener;
  }

  tell(text: string): void {
    this.listener(text);
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}

const CHANNEL = 'nest-oidc-sample:timeline:1';

/** Over Redis (publish/subscribe), for all processes that share it. While it is away, each hears itself. */
export class RedisBroadcast implements Broadcast {
  private readonly subscriber: RedisClient;
  private readonly sender = `${process.pid}-${performance.timeOrigin} `;
  private listener: Listener = () => undefined;

  constructor(private readonly publisher: RedisClient) {
    this.subscriber = publisher.duplicate();
    // The publisher, on the same Redis, has said so.
    this.subscriber.on('error', () => undefined);
    this.subscriber.connect().catch(() => undefined);
    this.subscriber.subscribe(CHANNEL, (message) => this.hear(message)).catch(() => undefined);
  }

  listen(listener: Listener): void {
    this.listener = listener;
  }

  tell(text: string): void {
    this.listener(text);
    // Not queued for later: news would be stale by then.
    if (this.publisher.isReady) this.publisher.publish(CHANNEL, this.sender + text).catch(() => undefined);
  }

  close(): Promise<void> {
    return closeRedis(this.subscriber);
  }

  private hear(message: string): void {
    if (!message.startsWith(this.sender)) this.listener(message.slice(message.indexOf(' ') + 1));
  }
}
