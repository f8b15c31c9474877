import { describe, expect, it } from '@jest/globals';
import { createCache } from 'cache-manager';
import { EventEmitter } from 'node:events';
import { OidcConfigurationError } from '../../lib/common/errors.js';
import type { StoredSession } from '../../lib/store/session-store.js';
import {
  CacheManagerSessionStore,
  type CacheManagerSessionStoreOptions,
} from '../../lib/store/cache-manager-session-store.js';
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { problemsOf } from './problems-of.js';

const HOUR = 3_600_000;

type Keyv = ReturnType<typeof createCache>['stores'][number];
type Trouble = 'none' | 'throws' | 'emits' | 'refuses';

/** A Keyv adapter as those for databases are: asynchronous, it keeps strings, and it fails in one of their ways. */
class FakeAdapter extends EventEmitter {
  readonly opts = {};
  readonly values = new Map<string, string>();
  readonly timesToLive: unknown[] = [];
  trouble: Trouble = 'none';
  private thawed = Promise.resolve();
  private release: () => void = () => undefined;

  freeze(): void {
    this.thawed = new Promise((resolve) => (this.release = resolve));
  }

  thaw(): void {
    this.release();
  }

  get(key: string): Promise<string | undefined> {
    return this.attempt(undefined, () => this.values.get(key));
  }

  set(key: string, value: string, timeToLive?: number): Promise<boolean> {
    return this.attempt(false, () => {
      this.timesToLive.push(timeToLive);
      this.values.set(key, value);
      return true;
    });
  }

  delete(key: string): Promise<boolean> {
    return this.attempt(false, () => this.values.delete(key));
  }

  async clear(): Promise<void> {
    this.values.clear();
  }

  private async attempt<T>(failure: T, work: () => T): Promise<T> {
    await this.thawed;
    if (this.trouble === 'none') return work();
    if (this.trouble === 'throws') throw new Error('The database is down.');
    if (this.trouble === 'emits') this.emit('error', new Error('The database is down.'));
    return failure;
  }
}

/** A cache over an adapter, with JSON in between. */
function cacheOver(adapter: FakeAdapter) {
  const cache = createCache();
  const [keyv] = cache.stores as [Keyv];
  keyv.serialize = JSON.stringify;
  keyv.deserialize = JSON.parse;
  keyv.store = adapter;
  return cache;
}

function given(options: CacheManagerSessionStoreOptions = {}) {
  const clock = new ControlledClock();
  const adapter = new FakeAdapter();
  const store = new CacheManagerSessionStore(cacheOver(adapter), options, clock);
  const session = (generation = 1): StoredSession => ({
    data: Uint8Array.of(0, 255, 128),
    generation,
    expiresAt: clock.now() + HOUR,
    lastSeenAt: clock.now(),
  });
  const calls = {
    get: () => store.get('key'),
    create: () => store.create('key', session()),
    replace: () => store.replace('key', session(2), 1, 'owner'),
    touch: () => store.touch('key', clock.now() + HOUR, clock.now()),
    delete: () => store.delete('key'),
    lock: () => store.lock('key', 'owner', 1_000),
    markUsed: () => store.markUsed('key', clock.now() + HOUR),
  };
  return { clock, adapter, store, session, calls };
}

/** Where a promise stands, without waiting for it. */
function watch(promise: Promise<unknown>) {
  const watched: { state: string } = { state: 'pending' };
  promise.then(
    () => (watched.state = 'fulfilled'),
    () => (watched.state = 'rejected'),
  );
  return watched;
}

describe('CacheManagerSessionStore', () => {
  describe.each([
    ['in memory', () => createCache()],
    ['over an adapter that keeps strings', () => cacheOver(new FakeAdapter())],
  ])('keeps the contract of a session store %s [REF-02]', (_, create) => {
    const clock = new ControlledClock();
    const cases = sessionStoreContract({
      createStore: () => new CacheManagerSessionStore(create(), {}, clock),
      advance: (ms) => clock.advance(ms),
      now: () => clock.now(),
    });
    for (const { title, run } of cases) it(title, run);
  });

  it('has sets of 130,000 members', async () => {
    const clock = new ControlledClock();
    const cache = createCache();
    const store = new CacheManagerSessionStore(cache, {}, clock);
    const end = clock.now() + HOUR;
    await cache.set(
      'oidc:x:set',
      Array.from({ length: 130_000 }, (_, index) => [`member ${index}`, end]),
    );
    await store.addMember('set', 'one more', end + HOUR);
    expect(await store.members('set')).toHaveLength(130_001);
  });

  it('works with the system clock when nothing is set', async () => {
    const store = new CacheManagerSessionStore(createCache());
    await store.create('key', {
      data: Uint8Array.of(1),
      generation: 1,
      expiresAt: Date.now() + HOUR,
      lastSeenAt: Date.now(),
    });
    expect((await store.get('key'))?.generation).toBe(1);
  });

  it('refuses a cache with several stores: an ended session would live on in one of them', () => {
    const stores = [...createCache().stores, ...createCache().stores];
    expect(() => new CacheManagerSessionStore(createCache({ stores }))).toThrow(OidcConfigurationError);
  });

  it.each([0, -1, 11, Number.NaN, '2'])('refuses a command timeout of %p seconds', (commandTimeout) => {
    const create = () => new CacheManagerSessionStore(createCache(), { commandTimeout } as never);
    expect(create).toThrow(OidcConfigurationError);
    expect(create).toThrow('CacheManagerSessionStore: commandTimeout must be a number of seconds above 0, up to 10.');
  });

  it.each([
    ['nothing', undefined],
    ['a URL', 'redis://localhost:6379'],
    ['a Keyv', createCache().stores[0]],
    ['a cache that is not there yet', Promise.resolve(createCache())],
  ])('refuses %s in the place of a cache, and says what one is', (_what, cache) => {
    expect(problemsOf(() => new CacheManagerSessionStore(cache as never))).toEqual([
      'CacheManagerSessionStore: the cache must be one of cache-manager 7: what createCache() returns, ' +
        'e.g. createCache({ stores: [keyv] }).',
    ]);
  });

  it('says everything that is wrong at once, with option and cure', () => {
    const cache = createCache({ stores: [...createCache().stores, ...createCache().stores] });
    const options = { ttl: 60, keyPrefix: 7, commandTimeout: 0 };
    expect(problemsOf(() => new CacheManagerSessionStore(cache, options as never))).toEqual([
      'CacheManagerSessionStore: the cache must have exactly one store.',
      'CacheManagerSessionStore: ttl is not known: there are keyPrefix and commandTimeout.',
      'CacheManagerSessionStore: keyPrefix must be a string.',
      'CacheManagerSessionStore: commandTimeout must be a number of seconds above 0, up to 10.',
    ]);
  });

  describe('in the cache', () => {
    it('puts every value under the prefix, with a time to live in milliseconds', async () => {
      const { adapter, calls } = given({ keyPrefix: 'app:' });
      await calls.create();
      await calls.markUsed();
      expect([...adapter.values.keys()]).toEqual(['keyv:app:s:key', 'keyv:app:m:key']);
      expect(adapter.timesToLive).toEqual([HOUR, HOUR]);
    });

    it('never writes a value without an end, not even one that has ended already', async () => {
      const { adapter, clock, store, session } = given();
      await store.create('key', { ...session(), expiresAt: clock.now() });
      expect(adapter.timesToLive).toEqual([1]);
      expect(await store.get('key')).toBeUndefined();
    });

    it.each([
      ['null', null],
      ['a string', 'x'],
      ['an object of another shape', { data: 1 }],
      ['an object without an expiry', { data: '', generation: 1 }],
    ])('takes %s for no session', async (_, value) => {
      const { adapter, store, calls } = given();
      adapter.values.set('keyv:oidc:s:key', JSON.stringify({ value }));
      expect(await store.get('key')).toBeUndefined();
      expect(await calls.touch()).toBe(false);
    });
  });

  describe('makes a rejection of trouble', () => {
    const methods = ['get', 'create', 'replace', 'touch', 'delete', 'lock', 'markUsed'] as const;

    it.each(methods)('%s: the adapter throws', async (method) => {
      const { adapter, calls } = given();
      await calls.create();
      adapter.trouble = 'throws';
      await expect(calls[method]()).rejects.toThrow();
      adapter.trouble = 'none';
      await expect(calls[method]()).resolves.not.toThrow();
    });

    it.each(methods)('%s: the adapter emits an error and answers as if there was nothing', async (method) => {
      const { adapter, calls } = given();
      await calls.create();
      adapter.trouble = 'emits';
      await expect(calls[method]()).rejects.toMatchObject({ cause: { message: 'The database is down.' } });
      adapter.trouble = 'none';
      await expect(calls[method]()).resolves.not.toThrow();
    });

    it.each(methods)('%s: the adapter does not answer within 2 seconds', async (method) => {
      const { adapter, clock, calls } = given();
      await calls.create();
      adapter.freeze();
      const attempt = watch(calls[method]());
      await clock.advance(1_999);
      expect(attempt.state).toBe('pending');
      await clock.advance(1);
      expect(attempt.state).toBe('rejected');
      adapter.thaw();
      await expect(calls.get()).resolves.toBeDefined();
    });

    it('the adapter says that it did not write', async () => {
      const { adapter, calls } = given();
      adapter.trouble = 'refuses';
      await expect(calls.create()).rejects.toThrow('did not keep');
    });

    it('the adapter says that it did not remove, and the session is still there', async () => {
      const { adapter, calls, store } = given();
      await calls.create();
      adapter.delete = async () => false;
      await expect(calls.delete()).rejects.toThrow('did not remove');
      expect(await store.get('key')).toBeDefined();
    });

    it('not when somebody else removed the session in between', async () => {
      const { adapter, calls } = given();
      await calls.create();
      adapter.delete = async (key) => {
        adapter.values.delete(key);
        return false;
      };
      await expect(calls.delete()).resolves.toBe(false);
    });
  });

  it('does not let a write that the cache executes late come after a newer one', async () => {
    const { adapter, clock, store, calls } = given();
    await calls.create();
    const { set } = adapter;
    const thawed = new Promise<void>((resolve) => adapter.once('thaw', () => resolve()));
    adapter.set = (...args) => thawed.then(() => set.apply(adapter, args));
    const late = watch(calls.replace());
    await clock.advance(2_000);
    expect(late.state).toBe('rejected');
    const newer = store.delete('key');
    await clock.advance(0);
    adapter.emit('thaw');
    expect(await newer).toBe(true);
    expect(await store.get('key')).toBeUndefined();
  });

  it('does not begin work whose caller was sent away while it waited', async () => {
    const { adapter, clock, store, calls } = given();
    await calls.create();
    adapter.freeze();
    const first = watch(calls.touch());
    await clock.advance(1);
    const second = watch(calls.delete());
    await clock.advance(2_000);
    expect([first.state, second.state]).toEqual(['rejected', 'rejected']);
    adapter.thaw();
    await clock.advance(0);
    expect(await store.get('key')).toBeDefined();
  });

  it('lets other sessions go on while one waits', async () => {
    const { adapter, store, session } = given();
    await store.create('a', session());
    await store.create('b', session());
    const { get } = adapter;
    adapter.get = (key) => (key.endsWith(':a') ? new Promise(() => undefined) : get.call(adapter, key));
    const waiting = watch(store.touch('a', session().expiresAt, session().lastSeenAt));
    expect(await store.touch('b', session().expiresAt, session().lastSeenAt)).toBe(true);
    expect(waiting.state).toBe('pending');
  });

  it('forgets the lock of a session that was deleted', async () => {
    const { calls, store } = given();
    await calls.create();
    await calls.lock();
    await calls.delete();
    await calls.create();
    expect((await store.lock('key', 'another', HOUR)).acquired).toBe(true);
  });
});
