import { RESP_TYPES } from 'redis';
import { type Clock, sleep } from '../common/clock.js';
import { SharedDeadline } from '../common/shared-deadline.js';
import type { RedisScript } from './redis-scripts.js';

/** The commands that are sent, as node-redis has them. Replies are checked where they are read. */
export interface RedisCommands {
  get(key: string): Promise<unknown>;
  set(
    key: string,
    value: string | Buffer,
    options: { condition?: 'NX'; expiration: { type: 'PX'; value: number } },
  ): Promise<unknown>;
  eval(source: string, options: RedisScriptArguments): Promise<unknown>;
  evalSha(sha1: string, options: RedisScriptArguments): Promise<unknown>;
}

export interface RedisScriptArguments {
  keys: string[];
  arguments: (string | Buffer)[];
}

/** Redis' strings as Buffers: sessions are binary. */
const BUFFERS = { [RESP_TYPES.BLOB_STRING]: Buffer };

/** The options that commands are sent with, as node-redis has them. */
export interface RedisCommandOptions {
  typeMapping: typeof BUFFERS;
  timeout: number;
  abortSignal?: AbortSignal;
}

/** The part that is needed of a node-redis 6 client, pool, cluster or sentinel. */
export interface RedisSessionClient {
  /** Pools do not tell. */
  readonly isReady?: boolean;
  listenerCount(event: 'error'): number;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  withCommandOptions(options: RedisCommandOptions): RedisCommands;
  duplicate?(): RedisSubscriber;
}

/** A client of one connection to one Redis. */
export interface SingleRedisClient extends RedisSessionClient {
  readonly socketEpoch: number;
  readonly options?: { readonly keyPrefix?: unknown };
}

/** What a {@link SingleRedisClient} sends; clusters, sentinels and pools take other arguments. */
interface SingleRedisCommands extends RedisCommands {
  sendCommand(args: readonly string[]): Promise<unknown>;
}

export function isSingle(client: RedisSessionClient): client is SingleRedisClient {
  return 'socketEpoch' in client;
}

/** A connection that listens to a channel. */
export interface RedisSubscriber {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): unknown;
}

/** How long a command may take while Redis is away. Most interruptions are shorter. */
const IMPAIRED_TIMEOUT_MS = 500;

/**
 * For how long after a missed deadline commands can still be taken back. In a cluster one master may be away while the
 * others answer.
 */
const CAUTION_MS = 30_000;

/** Until a script is tried again while its keys move to another master of a cluster. Most moves take a few of these. */
const TRY_AGAIN_MS = 25;

/**
 * node-redis gives every command a timeout of five seconds with an `AbortSignal` of its own, which costs a third of the
 * throughput. 0 turns it off; the deadline of {@link RedisCommandRunner} takes its place.
 */
export const OPTIONS: RedisCommandOptions = { typeMapping: BUFFERS, timeout: 0 };

/**
 * Sends commands with a deadline.
 *
 * While Redis is away (no connection, or the last command ran into its deadline) the deadline is short, and a command
 * that reaches it before it was sent is taken out of the client's queue. So an outage neither piles up requests here
 * nor ends in a burst of commands that nobody waits for any more.
 */
export class RedisCommandRunner {
  private readonly commands: RedisCommands;
  private readonly sendsGet: boolean;
  private readonly deadline: SharedDeadline;
  private readonly impairedTimeoutMs: number;
  private readonly impairedDeadline: SharedDeadline;
  /** A command ran into its deadline, and none that was sent since has been answered. */
  private stalled = false;
  private lastMissedAt = Number.NEGATIVE_INFINITY;
  private readonly onMissed = (): Error => this.missed(this.timeoutMs);
  /** Why there is no connection; unknown when the application listens itself. */
  private connectionError: unknown;

  constructor(
    private readonly client: RedisSessionClient,
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {
    this.commands = client.withCommandOptions(OPTIONS);
    this.sendsGet = isSingle(client) && client.options?.keyPrefix === undefined;
    this.deadline = new SharedDeadline(clock, timeoutMs);
    this.impairedTimeoutMs = Math.min(IMPAIRED_TIMEOUT_MS, timeoutMs);
    this.impairedDeadline = new SharedDeadline(clock, this.impairedTimeoutMs);
    // A client whose 'error' nobody listens to ends the process when its connection breaks, though it would reconnect.
    // What nobody else hears is told as the cause of the deadlines that are missed then.
    if (client.listenerCount('error') === 0) client.on('error', (error) => (this.connectionError = error));
  }

  /**
   * Past the client's own `get`, where that would do the same: it merges the options of every command such that V8 makes a
   * hidden class each time, for which nothing is ever compiled or cached.
   */
  get(key: string): Promise<unknown> {
    return this.run((redis) =>
      this.sendsGet ? (redis as SingleRedisCommands).sendCommand(['GET', key]) : redis.get(key),
    );
  }

  run<T>(command: (redis: RedisCommands) => Promise<T>): Promise<T> {
    const impaired = this.stalled || this.client.isReady === false;
    const cautious = impaired || this.clock.now() - this.lastMissedAt < CAUTION_MS;
    return cautious ? this.runCautiously(command, impaired) : this.deadline.keep(command(this.commands), this.onMissed);
  }

  /** An abort signal is expensive, but no request is fast at such a time. */
  private async runCautiously<T>(command: (redis: RedisCommands) => Promise<T>, impaired: boolean): Promise<T> {
    const abort = new AbortController();
    const redis = this.client.withCommandOptions({ ...OPTIONS, abortSignal: abort.signal });
    const deadline = impaired ? this.impairedDeadline : this.deadline;
    const answer = await deadline.keep(command(redis), () => {
      abort.abort();
      return this.missed(impaired ? this.impairedTimeoutMs : this.timeoutMs);
    });
    this.stalled = false;
    return answer;
  }

  /**
   * Runs a script, one round trip unless Redis does not know it yet.
   *
   * While a cluster moves the slot of the keys, it refuses a script for which one key is there and the other is not, as a
   * lock that nobody holds. Moves are short, so the script waits.
   */
  script(script: RedisScript, keys: string[], args: (string | Buffer)[]): Promise<unknown> {
    const options = { keys, arguments: args };
    const lastAttemptAt = this.clock.now() + this.timeoutMs - 2 * TRY_AGAIN_MS;
    return this.run(async (redis) => {
      for (;;) {
        try {
          return await evaluate(redis, script, options);
        } catch (error) {
          if (!hasCode(error, 'TRYAGAIN') || this.clock.now() > lastAttemptAt) throw error;
          await sleep(this.clock, TRY_AGAIN_MS);
        }
      }
    });
  }

  private missed(deadlineMs: number): Error {
    this.stalled = true;
    this.lastMissedAt = this.clock.now();
    const cause = this.client.isReady === false ? this.connectionError : undefined;
    const error = new Error(`Redis did not answer within ${deadlineMs} ms. Is it reachable, and is it overloaded?`, {
      cause,
    });
    error.name = 'RedisDeadlineError';
    return error;
  }
}

async function evaluate(redis: RedisCommands, script: RedisScript, options: RedisScriptArguments): Promise<unknown> {
  try {
    return await redis.evalSha(script.sha1, options);
  } catch (error) {
    if (!hasCode(error, 'NOSCRIPT')) throw error;
    return redis.eval(script.source, options);
  }
}

/** The error code of Redis' protocol is the first word of the reply; node-redis has no other place for it. */
function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
