import type { RedisSessionClient } from './redis-commands.js';
import { isTrackable, type TrackableClient } from './redis-tracking.js';
import { isFromTo, StoreProblems } from './store-options.js';

/** What the process keeps of Redis, see `RedisSessionStoreOptions.processCache`. */
export interface ProcessCacheOptions {
  /** How many sessions are kept, of some 2 KB each; what was not used for long goes first. 1 to 1,000,000. @default 10000 */
  readonly maxEntries?: number | undefined;
  /**
   * How long Redis may have been silent when a session is answered from the process. A session that has ended is never
   * answered later than that, whatever has failed. A busy process asks for a word of Redis (`PING`) three times as often.
   * Seconds, 0.02 to 10. @default 0.05
   */
  readonly maxSilence?: number | undefined;
}

export interface RedisSessionStoreOptions {
  /**
   * Put before every key: sessions are `<prefix>s:{…}`, locks `<prefix>l:{…}`, marks `<prefix>m:…`, sets
   * `<prefix>x:…`.
   * Applications that share a Redis need one each. @default 'oidc:'
   */
  readonly keyPrefix?: string | undefined;
  /** How long Redis may take to answer; half a second at most while it is away. Seconds, above 0, up to 10. @default 2 */
  readonly commandTimeout?: number | undefined;
  /**
   * Keeps sessions in the process as well, so that a request whose session is there needs no command. Redis tells of every
   * change over a connection of its own (client tracking), which takes a few milliseconds; when it does not, nothing is
   * answered from the process. Needs a single client, and Redis itself or what speaks RESP3 as it does. @default false
   */
  readonly processCache?: boolean | ProcessCacheOptions | undefined;
}

export interface ResolvedProcessCache {
  /** The client of the application, which can be duplicated for tracking. */
  readonly client: TrackableClient;
  readonly maxEntries: number;
  readonly maxSilenceMs: number;
}

export interface ResolvedRedisStoreOptions {
  readonly keyPrefix: string;
  readonly commandTimeoutMs: number;
  /** `undefined` when there is to be none. */
  readonly processCache: ResolvedProcessCache | undefined;
}

/** Checks the client and the options of a Redis store. @throws {OidcConfigurationError} with everything that is wrong */
export function resolveRedisStoreOptions(
  client: RedisSessionClient,
  options: RedisSessionStoreOptions,
): ResolvedRedisStoreOptions {
  const problems = new StoreProblems('RedisSessionStore');
  problems.unless(
    isClient(client),
    'the client must be one of node-redis 6: what createClient(), createClientPool(), createCluster() or ' +
      'createSentinel() of the package redis returns.',
  );
  problems.unless(
    !readsFromReplicas(client),
    'the cluster must not have useReplicas: a replica that lags behind answers with sessions as they were.',
  );
  const names = ['keyPrefix', 'commandTimeout', 'processCache'] as const;
  const { keyPrefix = 'oidc:', commandTimeout = 2, processCache = false } = problems.read(options, names);
  problems.checkKeyPrefix(keyPrefix);
  problems.checkCommandTimeout(commandTimeout);
  const resolved = resolveProcessCache(processCache, client, problems);
  problems.throwAll();
  return { keyPrefix, commandTimeoutMs: commandTimeout * 1000, processCache: resolved };
}

function resolveProcessCache(
  given: boolean | ProcessCacheOptions,
  client: RedisSessionClient,
  problems: StoreProblems,
): ResolvedProcessCache | undefined {
  if (given === false) return undefined;
  const isRight = given === true || (typeof given === 'object' && given !== null);
  problems.unless(isRight, 'processCache must be true, false or an object.');
  const names = ['maxEntries', 'maxSilence'] as const;
  const options = isRight && given !== true ? given : {};
  const { maxEntries = 10_000, maxSilence = 0.05 } = problems.read(options, names, 'processCache');
  problems.unless(
    Number.isInteger(maxEntries) && isFromTo(maxEntries, 1, 1_000_000),
    'processCache.maxEntries must be a whole number from 1 to 1,000,000.',
  );
  problems.unless(isFromTo(maxSilence, 0.02, 10), 'processCache.maxSilence must be 0.02 to 10 seconds.');
  if (!isClient(client)) return undefined;
  if (isTrackable(client)) return { client, maxEntries, maxSilenceMs: maxSilence * 1000 };
  problems.unless(
    false,
    'processCache needs a single client (createClient), and this is a pool, a cluster or a sentinel, where one ' +
      'connection does not hear of every change. Leave processCache out.',
  );
  return undefined;
}

/** Whether plain JavaScript has given a client: not its address, its options, a promise of it, or another library's. */
function isClient(client: RedisSessionClient | undefined | null): boolean {
  return [client?.withCommandOptions, client?.listenerCount, client?.on].every(
    (method) => typeof method === 'function',
  );
}

/** A cluster tells of its options, a sentinel does not tell of its pool of replicas. */
function readsFromReplicas(client: RedisSessionClient | undefined | null): boolean {
  const cluster = client as { readonly _options?: { readonly useReplicas?: unknown } } | undefined | null;
  return cluster?.['_options']?.useReplicas === true;
}
