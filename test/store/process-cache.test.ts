import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import { randomToken } from '../../lib/common/random.js';
import { RedisSessionStore } from '../../lib/store/redis-session-store.js';
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { connect, HOUR, SILENCE_MS, Stage, type Client } from './process-cache-stage.js';

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.dispose());

describe.each([2, 3] as const)('RedisSessionStore with a process cache and RESP%d', (RESP) => {
  let clients: readonly [Client, Client];

  beforeAll(async () => {
    clients = [await connect(server.url, RESP), await connect(server.url, RESP)];
  });

  afterAll(() => clients.forEach((client) => client.destroy()));

  describe('keeps the contract of a session store [REF-02]', () => {
    const withCache = async (client: Client) => {
      const store = new RedisSessionStore(client, { processCache: true });
      await eventually(() => expect(store.isCaching).toBe(true));
      return store;
    };
    const cases = sessionStoreContract({
      createStore: () => withCache(clients[0]),
      createPeer: () => withCache(clients[1]),
      advance: (ms) => wait(ms),
      span: 300,
    });
    for (const { title, run } of cases) it(title, run);
  });
});

describe('The process cache', () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open(server);
  });

  afterEach(() => stage.close());

  it('answers a session that was read before without a command, always the same object', async () => {
    const first = await stage.cached();
    const commands = await stage.commandsOf(async () => {
      for (let read = 0; read < 100; read += 1) expect(await stage.get()).toBe(first);
    });
    expect(commands).toEqual({});
    expect(first).toEqual({ ...stage.session(), data: Buffer.from([0, 255, 1]) });
  });

  it('keeps no more memory than the session needs', async () => {
    const { data } = await stage.cached();
    expect(data.buffer.byteLength).toBe(24 + data.length);
  });

  it('reads a session over the connection of the application first, and remembers none that does not exist', async () => {
    await stage.caching();
    const commands = await stage.commandsOf(async () => {
      for (let read = 0; read < 10; read += 1) expect(await stage.get()).toBeUndefined();
    });
    expect(commands).toEqual({ get: 10 });
  });

  it('reads a session for itself once, however many requests come meanwhile', async () => {
    await stage.caching();
    await stage.peer.create(stage.key, stage.session());
    const commands = await stage.commandsOf(async () => {
      await Promise.all(Array.from({ length: 10 }, () => stage.get()));
      await stage.held();
    });
    expect(commands).toMatchObject({ pttl: 1 });
  });

  describe('forgets a session that another process', () => {
    it('ends', async () => {
      await stage.cached();
      await stage.peer.delete(stage.key);
      await stage.gone();
    });

    it('refreshes', async () => {
      await stage.cached();
      await stage.peer.replace(stage.key, stage.session(2), 1, 'owner');
      await eventually(async () => expect((await stage.get())?.generation).toBe(2));
      expect((await stage.held()).generation).toBe(2);
    });

    it('touches', async () => {
      await stage.cached();
      await stage.peer.touch(stage.key, stage.clock.now() + 2 * HOUR, stage.clock.now());
      await eventually(async () => expect((await stage.get())?.expiresAt).toBe(stage.clock.now() + 2 * HOUR));
    });
  });

  describe('forgets a session when', () => {
    it('its time is over by the clock of this process', async () => {
      await stage.cached(stage.session(1, 10_000));
      await stage.clock.advance(10_000);
      expect(await stage.get()).toBeUndefined();
    });

    it('its time is over by the clock of Redis alone', async () => {
      await stage.cached();
      const value = Buffer.alloc(24);
      value.writeBigUInt64BE(1n);
      value.writeBigUInt64BE(BigInt(stage.clock.now() + HOUR), 8);
      // Redis ends it after 20 seconds, which do not pass there.
      await stage.other.set(`oidc:s:{${stage.key}}`, value, { expiration: { type: 'PX', value: 20_000 } });
      await eventually(async () => expect((await stage.get())?.data).toHaveLength(0));
      await stage.held();
      await stage.clock.advance(20_000);
      expect(await stage.commandsOf(() => stage.get())).toMatchObject({ get: expect.any(Number) });
    });

    it('Redis removes it because its time is over', async () => {
      await stage.cached(stage.session(1, 100));
      await stage.gone();
    });

    it('Redis is emptied', async () => {
      await stage.cached();
      await stage.other.flushAll();
      await stage.gone();
    });

    it('Redis has no memory left for it', async () => {
      await stage.cached();
      await stage.other.configSet({ 'maxmemory-policy': 'allkeys-random', maxmemory: '1' });
      try {
        await stage.other.sendCommand(['SET', 'x', 'y']).catch(() => undefined);
        await stage.gone();
      } finally {
        await stage.other.configSet({ 'maxmemory-policy': 'noeviction', maxmemory: '0' });
      }
    });
  });

  it('stays right when Redis cannot remember all that was read', async () => {
    await stage.other.configSet('tracking-table-max-keys', '3');
    try {
      await stage.caching();
      const keys = Array.from({ length: 20 }, () => randomToken());
      for (const key of keys) await stage.peer.create(key, stage.session());
      for (const key of [...keys, ...keys]) expect((await stage.store.get(key))?.generation).toBe(1);
      for (const key of keys) await stage.peer.delete(key);
      for (const key of keys) await stage.gone(key);
    } finally {
      await stage.other.configSet('tracking-table-max-keys', '1000000');
    }
  });

  it('keeps so many sessions at most', async () => {
    const listeners = stage.client.listenerCount('error');
    const small = new RedisSessionStore(stage.client, { processCache: { maxEntries: 2 } }, stage.clock);
    await eventually(() => expect(small.isCaching).toBe(true));
    const keys = Array.from({ length: 10 }, () => randomToken());
    for (const key of keys) {
      await stage.peer.create(key, stage.session());
      await eventually(async () => expect(await small.get(key)).toBe((await small.get(key)) ?? 'nothing'));
    }
    const commands = await stage.commandsOf(() => Promise.all(keys.map((key) => small.get(key))));
    expect(commands['get']).toBeGreaterThanOrEqual(8);
    await small.close?.();
    expect(stage.client.listenerCount('error')).toBe(listeners);
  });

  it('keeps no value that is not a session', async () => {
    await stage.caching();
    const redisKey = `oidc:s:{${stage.key}}`;
    await stage.other.set(redisKey, 'too short');
    expect(await stage.get()).toBeUndefined();
    await stage.other.del(redisKey);
    await stage.other.hSet(redisKey, 'field', 'value');
    await expect(stage.get()).rejects.toThrow('WRONGTYPE');
  });

  it('keeps a session without an end in Redis until its own', async () => {
    await stage.caching();
    await stage.peer.create(stage.key, stage.session());
    await stage.other.persist(`oidc:s:{${stage.key}}`);
    const session = await stage.held();
    await stage.clock.advance(HOUR);
    expect(session.expiresAt).toBe(stage.clock.now());
    expect(await stage.get()).toBeUndefined();
  });

  describe('while a refresh is under way in this process', () => {
    const readsOfTen = async () => {
      const commands = await stage.commandsOf(async () => {
        for (let read = 0; read < 10; read += 1) await stage.get();
      });
      return commands['get'] ?? 0;
    };

    it('reads everything from Redis, from the lock until the new tokens are written', async () => {
      await stage.cached();
      await stage.store.lock(stage.key, 'owner', 15_000);
      expect(await readsOfTen()).toBe(10);
      await stage.store.replace(stage.key, stage.session(2), 1, 'owner');
      expect((await stage.get())?.generation).toBe(2);
      await stage.held();
      expect(await readsOfTen()).toBe(0);
    });

    it('or until the lock is given up', async () => {
      await stage.cached();
      await stage.store.lock(stage.key, 'owner', 15_000);
      await stage.store.touch(stage.key, stage.clock.now() + HOUR, stage.clock.now());
      expect(await readsOfTen()).toBe(10);
      await stage.store.unlock(stage.key, 'owner');
      await stage.held();
      expect(await readsOfTen()).toBe(0);
    });

    it('or until the lease is over', async () => {
      await stage.cached();
      await stage.store.lock(stage.key, 'owner', 15_000);
      await stage.clock.advance(14_999);
      expect(await readsOfTen()).toBe(10);
      await stage.clock.advance(1);
      await stage.held();
    });

    it('and while it waits for a refresh of another process', async () => {
      await stage.cached();
      await stage.peer.lock(stage.key, 'another owner', 15_000);
      expect((await stage.store.lock(stage.key, 'owner', 15_000)).acquired).toBe(false);
      await stage.clock.advance(499);
      expect(await readsOfTen()).toBe(10);
      await stage.clock.advance(1);
      await stage.held();
    });

    it('also when it is not known whether the lock was taken', async () => {
      await stage.cached();
      const [lock] = await Promise.allSettled([
        stage.store.lock(stage.key, 'owner', 15_000),
        (async () => {
          server.pause();
          await stage.clock.advance(2_000);
        })(),
      ]);
      server.resume();
      expect(lock.status).toBe('rejected');
      expect(await readsOfTen()).toBe(10);
    });
  });

  describe('with a client', () => {
    const opened = async (client: Client) => {
      await client.connect();
      const store = new RedisSessionStore(client, { processCache: true }, stage.clock);
      await eventually(() => expect(store.isCaching).toBe(true));
      await store.create(stage.key, stage.session());
      const held = () =>
        eventually(async () => expect(await store.get(stage.key)).toBe((await store.get(stage.key)) ?? 'nothing'));
      await held();
      return store;
    };

    it.each([
      ['that puts a prefix of its own before keys', { keyPrefix: 'application{1}:' }],
      ['of another database', { database: 3 }],
      ['that has a cache of its own', { clientSideCache: { ttl: 0, maxEntries: 10 } }],
    ])('%s hears of changes', async (_, options) => {
      const create = () =>
        createClient({ url: server.url, ...options }).on('error', () => undefined) as unknown as Client;
      const [client, another] = [create(), create()];
      const store = await opened(client);
      await another.connect();
      await new RedisSessionStore(another, {}, stage.clock).delete(stage.key);
      await eventually(async () => expect(await store.get(stage.key)).toBeUndefined());
      await store.close?.();
      [client, another].forEach((each) => each.destroy());
    });
  });

  it('answers for as long as Redis may be silent, and asks for a word in good time', async () => {
    await stage.cached();
    const commands = await stage.commandsOf(async () => {
      for (let ms = 0; ms < 10 * SILENCE_MS; ms += 1) {
        await stage.clock.advance(1);
        await stage.get();
        await wait(1);
      }
    });
    expect(commands['get']).toBeUndefined();
    expect(commands['ping']).toBeLessThanOrEqual(31);
  });

  it('asks once for all requests that come after a pause', async () => {
    const session = await stage.cached();
    await stage.clock.advance(60_000);
    const commands = await stage.commandsOf(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => stage.get()));
      expect(answers.every((answer) => answer === session)).toBe(true);
    });
    expect(commands).toEqual({ ping: 1 });
  });

  it('does not believe a clock that was set back', async () => {
    await stage.cached();
    await stage.clock.advance(-1_000);
    expect(await stage.commandsOf(() => stage.get())).toEqual({ ping: 1 });
  });
});
