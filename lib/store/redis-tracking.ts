import { type Clock, withDeadline } from '../common/clock.js';
import { randomToken } from '../common/random.js';
import {
  isSingle,
  type RedisCommandOptions,
  type RedisSessionClient,
  type RedisSubscriber,
  type SingleRedisClient,
} from './redis-commands.js';

/** What is read over the tracked connection. */
export interface TrackedCommands {
  get(key: string): Promise<unknown>;
  pTTL(key: string): Promise<number>;
  ping(): Promise<unknown>;
}

/** A client whose connection can be had once more, for tracking. */
export interface TrackableClient extends SingleRedisClient {
  off(event: 'error', listener: () => void): unknown;
  duplicate(overrides?: typeof OVERRIDES): TrackedClient;
}

interface TrackedClient extends RedisSubscriber {
  on(event: 'error' | 'invalidate', listener: (subject: unknown) => void): unknown;
  withCommandOptions(options: RedisCommandOptions): TrackedCommands;
  unref(): void;
}

/** What the cache is told, and what tracking needs of the store. */
export interface TrackingOptions {
  readonly maxSilenceMs: number;
  /** Of every command of this connection. */
  readonly commandOptions: RedisCommandOptions;
  /** Writes this key over the connection of the application, so that it is seen whether Redis tells of it here. */
  readonly write: (key: string) => Promise<unknown>;
  readonly keyPrefix: string;
  /** A session that was read here has changed or ended; `undefined`: any of them may have. */
  readonly onChange: (key: string | undefined) => void;
}

/**
 * Redis tells of changes only over RESP3. A connection is never mended, it is replaced: nothing that was learnt over the
 * one before can be mistaken for news of this one. The client's own cache would copy every value that it answers.
 */
const OVERRIDES = {
  RESP: 3,
  emitInvalidate: true,
  clientSideCache: undefined,
  maintNotifications: 'disabled',
} as const;

/** How long a request waits for a word of Redis over this connection, before it reads over the other one. */
const PATIENCE_MS = 100;
/** A connection over which nothing has come for this long, although something was asked, is replaced. */
const LOST_MS = 2000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** Whether this is one connection to one Redis, over which a change is told in order with the answers. */
export function isTrackable(client: RedisSessionClient): client is TrackableClient {
  return isSingle(client);
}

/**
 * A connection of its own, over which Redis tells of every change to what was read there (client tracking).
 *
 * Redis writes news and answers in one order. So once a command is answered, all that changed before it was sent has been
 * told. That is what {@link isTrusted} goes by: a connection that is cut, half open or frozen, or a process that stood
 * still, is one over which nothing was heard lately.
 */
export class RedisTracking {
  private client: TrackedClient | undefined;
  private commands: TrackedCommands | undefined;
  /** A key that is written to see whether Redis tells of it; `undefined` once it has. */
  private canary: string | undefined;
  private isProven = false;
  /** When the last command that was answered had been sent. */
  private heardAt = Number.NEGATIVE_INFINITY;
  private probe: { readonly answered: Promise<void>; readonly sentAt: number } | undefined;
  /** Since when the oldest command waits for its answer, or any answer has come while it did. */
  private waitingSince: number | undefined;
  private unanswered = 0;
  private openAt = Number.NEGATIVE_INFINITY;
  private pauseMs = FIRST_PAUSE_MS;
  private readonly onMainError = (): void => this.lose(this.client);

  constructor(
    private readonly main: TrackableClient,
    private readonly options: TrackingOptions,
    private readonly clock: Clock,
  ) {
    // When it connects again, it may be to another Redis: tracking must not stay with the old one.
    main.on('error', this.onMainError);
  }

  /** Whether what is read now is told of when it changes. Opens the connection when there is none. */
  isOn(): boolean {
    const now = this.clock.now();
    if (this.waitingSince !== undefined && now - this.waitingSince > LOST_MS) this.lose(this.client);
    if (!this.client && now >= this.openAt) void this.open(now);
    return this.isProven;
  }

  /** Whether everything that changed until `maxSilence` before this moment has been told. */
  isTrusted(at: number): boolean {
    // Absolute, since the clock may have been set back.
    return Math.abs(at - this.heardAt) < this.options.maxSilenceMs;
  }

  /** Asks for a word of Redis, in good time before it is needed. */
  keepTrusted(now: number): void {
    const askedAt = this.probe?.sentAt ?? this.heardAt;
    if (Math.abs(now - askedAt) >= this.options.maxSilenceMs / 3 && this.isOn()) void this.probed();
  }

  /** Waits for a word of Redis, not for long. Whether it came is for {@link isTrusted} to tell. */
  async hear(): Promise<void> {
    const isSilent = this.waitingSince !== undefined && this.clock.now() - this.waitingSince > PATIENCE_MS;
    if (!this.isOn() || isSilent) return;
    await withDeadline(this.clock, PATIENCE_MS, this.probed(), () => new Error('silent')).catch(() => undefined);
  }

  /** The value of a key, and when it ends by the clock of Redis. Rejects when it could not be read. */
  async read(key: string): Promise<{ readonly value: unknown; readonly expiresAt: number }> {
    const sentAt = this.clock.now();
    // In this order: a change in between is told after the first answer.
    const [value, timeToLive] = await this.ask((redis) => Promise.all([redis.get(key), redis.pTTL(key)]));
    return { value, expiresAt: timeToLive === -1 ? Number.POSITIVE_INFINITY : sentAt + timeToLive };
  }

  close(): void {
    this.openAt = Number.POSITIVE_INFINITY;
    this.main.off('error', this.onMainError);
    this.lose(this.client);
  }

  private probed(): Promise<void> {
    this.probe ??= { answered: this.sendProbe(), sentAt: this.clock.now() };
    return this.probe.answered;
  }

  private async sendProbe(): Promise<void> {
    const { client } = this;
    await this.ask((redis) => redis.ping()).catch(() => undefined);
    if (this.client === client) this.probe = undefined;
  }

  private async ask<T>(command: (redis: TrackedCommands) => Promise<T>): Promise<T> {
    const { client, commands } = this;
    if (!commands) throw new Error('There is no tracked connection.');
    const sentAt = this.clock.now();
    this.waitingSince ??= sentAt;
    this.unanswered += 1;
    try {
      const answer = await command(commands);
      if (this.client === client) this.hasAnswered(sentAt);
      return answer;
    } catch (error) {
      this.lose(client);
      throw error;
    }
  }

  private hasAnswered(sentAt: number): void {
    this.heardAt = sentAt;
    this.unanswered -= 1;
    this.waitingSince = this.unanswered > 0 ? this.clock.now() : undefined;
  }

  private async open(now: number): Promise<void> {
    this.openAt = now + this.pauseMs;
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    const client = this.main.duplicate(OVERRIDES);
    this.client = client;
    this.waitingSince = now;
    client.on('error', () => this.lose(client));
    client.on('invalidate', (key) => this.client === client && this.hasChanged(key));
    try {
      // The connection of the application keeps the process alive, this one does not.
      client.unref();
      await client.connect();
      if (this.client === client) await this.prove(client);
      // A client that was given up while it connected is connected now.
      else client.destroy();
    } catch {
      this.lose(client);
    }
  }

  /** Believes nothing before Redis has told of a change: a proxy may take the command for tracking, and tell nothing. */
  private async prove(client: TrackedClient): Promise<void> {
    this.commands = client.withCommandOptions(this.options.commandOptions);
    this.canary = randomToken();
    const key = `${this.options.keyPrefix}c:{${this.canary}}`;
    await this.ask((redis) => redis.get(key));
    this.waitingSince = this.clock.now();
    await this.options.write(key);
  }

  /** Keys end with what they are of, in braces, whatever the client of the application puts before them. */
  private hasChanged(redisKey: unknown): void {
    if (redisKey === null) return this.options.onChange(undefined);
    const name = String(redisKey);
    const key = name.slice(name.lastIndexOf('{') + 1, -1);
    if (key !== this.canary) return this.options.onChange(key);
    this.canary = undefined;
    this.isProven = true;
    this.waitingSince = undefined;
    this.pauseMs = FIRST_PAUSE_MS;
  }

  /** What came over this connection is not told of any more. */
  private lose(client: TrackedClient | undefined): void {
    if (!client || this.client !== client) return;
    this.client = this.commands = this.canary = this.probe = this.waitingSince = undefined;
    this.isProven = false;
    this.unanswered = 0;
    this.heardAt = Number.NEGATIVE_INFINITY;
    this.options.onChange(undefined);
    client.destroy();
  }
}
