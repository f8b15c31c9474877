import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { OidcConfigurationError } from '../../lib/common/errors.js';
import { RedisSessionStore, type RedisSessionStoreOptions } from '../../lib/store/redis-session-store.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { Stage } from './process-cache-stage.js';

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.dispose());

const withCache = (processCache: unknown) =>
  new RedisSessionStore(createClient(), { processCache } as RedisSessionStoreOptions);

describe('RedisSessionStore.processCache', () => {
  it.each([
    true,
    false,
    undefined,
    {},
    { maxEntries: 1 },
    { maxEntries: 1_000_000, maxSilence: 10 },
    { maxSilence: 0.02 },
  ])('takes %j', (processCache) => {
    expect(withCache(processCache)).toBeInstanceOf(RedisSessionStore);
  });

  it.each([
    ['yes', 'processCache must be true, false or an object'],
    [null, 'processCache must be true, false or an object'],
    [{ maxEntries: 0 }, 'processCache.maxEntries must be a whole number from 1 to 1,000,000'],
    [{ maxEntries: 1.5 }, 'processCache.maxEntries must be'],
    [{ maxEntries: 1_000_001 }, 'processCache.maxEntries must be'],
    [{ maxSilence: 0.01 }, 'processCache.maxSilence must be 0.02 to 10 seconds'],
    [{ maxSilence: 11 }, 'processCache.maxSilence must be'],
    [{ maxSilence: Number.NaN }, 'processCache.maxSilence must be'],
    [{ maxSilence: '1' }, 'processCache.maxSilence must be'],
    [{ max: 10 }, 'processCache.max is not known'],
  ])('refuses %j, and says why', (processCache, message) => {
    expect(() => withCache(processCache)).toThrow(OidcConfigurationError);
    expect(() => withCache(processCache)).toThrow(message);
  });

  it('tells of every problem at once', () => {
    expect(() => withCache({ maxEntries: 0, maxSilence: 0 })).toThrow(/maxEntries[^]*maxSilence/);
  });

  it.each([
    ['a pool', () => createClientPool()],
    ['a cluster', () => createCluster({ rootNodes: [] })],
    ['a sentinel', () => createSentinel({ name: 'main', sentinelRootNodes: [] })],
  ])('refuses %s: one connection does not hear of every change', (_, create) => {
    expect(() => new RedisSessionStore(create(), { processCache: true })).toThrow('needs a single client');
    expect(() => new RedisSessionStore(create(), { processCache: false })).not.toThrow();
  });

  it('is off by default: no connection is opened, and the store closes nothing that is not its own', async () => {
    const stage = await Stage.open(server, { processCache: false });
    await stage.get();
    expect(stage.store.isCaching).toBe(false);
    expect(await stage.trackedIds()).toEqual([]);
    await stage.store.close();
    expect(stage.client.isReady).toBe(true);
    expect(await stage.get()).toBeUndefined();
    await stage.close();
  });

  it('opens its connection with the first request, and closes it with the store', async () => {
    const stage = await Stage.open(server);
    expect(await stage.trackedIds()).toEqual([]);
    await stage.get();
    await stage.cached();
    expect(await stage.trackedIds()).toHaveLength(1);
    await stage.store.close?.();
    await eventually(async () => expect(await stage.trackedIds()).toEqual([]));
    expect((await stage.get())?.generation).toBe(1);
    expect(stage.store.isCaching).toBe(false);
    await stage.close();
  });

  it('does not keep a process alive with its connection', async () => {
    const stage = await Stage.open(server);
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = sockets();
    await stage.caching();
    expect(sockets()).toBe(before);
    await stage.close();
  });
});
