import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { OidcConfigurationError } from '../../lib/common/errors.js';
import { randomToken } from '../../lib/common/random.js';
import type { StoredSession } from '../../lib/store/session-store.js';
import {
  RedisSessionStore,
  type RedisSessionClient,
  type RedisSessionStoreOptions,
} from '../../lib/store/redis-session-store.js';
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { RedisServer } from '../support/redis-server.js';
import { problemsOf } from './problems-of.js';

const HOUR = 3_600_000;

/** Long enough for a few round trips on a busy machine. */
const SPAN = 300;

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.dispose());

async function connect(RESP: 2 | 3 = 3) {
  return createClient({ url: server.url, RESP, socket: { reconnectStrategy: 10 } })
    .on('error', () => undefined)
    .connect();
}

/** Where a promise stands, without waiting for it. */
function watch(answer: unknown) {
  const watched: { state: string; error?: unknown } = { state: 'pending' };
  Promise.resolve(answer).then(
    () => (watched.state = 'fulfilled'),
    (error: unknown) => Object.assign(watched, { state: 'rejected', error }),
  );
  return watched;
}

describe.each([2, 3] as const)('RedisSessionStore with RESP%d', (RESP) => {
  let clients: readonly [Awaited<ReturnType<typeof connect>>, Awaited<ReturnType<typeof connect>>];

  beforeAll(async () => {
    clients = [await connect(RESP), await connect(RESP)];
  });

  afterAll(() => clients.forEach((client) => client.destroy()));

  describe('keeps the contract of a session store [REF-02]', () => {
    const cases = sessionStoreContract({
      createStore: () => new RedisSessionStore(clients[0]),
      createPeer: () => new RedisSessionStore(clients[1]),
      advance: (ms) => wait(ms),
      span: SPAN,
    });
    for (const { title, run } of cases) it(title, run);
  });
});

describe('RedisSessionStore', () => {
  let client: Awaited<ReturnType<typeof connect>>;
  let clock: ControlledClock;
  let store: RedisSessionStore;
  let key: string;

  beforeEach(async () => {
    client = await connect();
    clock = new ControlledClock();
    store = new RedisSessionStore(client, {}, clock);
    key = randomToken();
  });

  afterEach(() => client.destroy());

  const session = (generation = 1, lifetimeMs = HOUR): StoredSession => ({
    data: Uint8Array.of(0, 255, 128),
    generation,
    expiresAt: clock.now() + lifetimeMs,
    lastSeenAt: clock.now(),
  });

  const sessionKey = () => `oidc:s:{${key}}`;
  const lockKey = () => `oidc:l:{${key}}`;

  /** Stops the server, and waits until the client knows. */
  async function lose() {
    const noticed = emitted('reconnecting');
    await server.stop();
    await noticed;
  }

  async function recover() {
    const ready = emitted('ready');
    await server.start();
    await ready;
  }

  /** Unlike `events.once` not ended by an `error`. */
  const emitted = (event: string, of: Pick<typeof client, 'once'> = client) =>
    new Promise<void>((resolve) => of.once(event, () => resolve()));

  /** The time to live of a key is the full span but for what the test has taken. */
  async function expectTimeToLive(redisKey: string, ms: number) {
    const timeToLive = await client.pTTL(redisKey);
    expect(timeToLive).toBeLessThanOrEqual(ms);
    expect(timeToLive).toBeGreaterThan(ms - 60_000);
  }

  it('takes a client, a pool, a cluster and a sentinel', () => {
    const clients = [
      createClient(),
      createClientPool(),
      createCluster({ rootNodes: [] }),
      createSentinel({ name: 'main', sentinelRootNodes: [] }),
    ];
    for (const each of clients) expect(new RedisSessionStore(each)).toBeInstanceOf(RedisSessionStore);
  });

  it('works with a pool', async () => {
    const pool = createClientPool({ url: server.url });
    await pool.connect();
    const pooled = new RedisSessionStore(pool, {}, clock);
    await pooled.create(key, session());
    expect((await pooled.lock(key, 'owner', HOUR)).acquired).toBe(true);
    expect((await pooled.get(key))?.generation).toBe(1);
    pool.destroy();
  });

  it.each([0, -1, 11, Number.NaN, '2', null])('refuses a command timeout of %p seconds', (commandTimeout) => {
    expect(() => new RedisSessionStore(client, { commandTimeout } as RedisSessionStoreOptions)).toThrow(
      'RedisSessionStore: commandTimeout must be a number of seconds above 0, up to 10.',
    );
  });

  it.each([
    ['a URL', 'redis://localhost:6379'],
    ['nothing', undefined],
    ['options', { url: 'redis://localhost:6379' }],
    ['a client of another library', { on: () => undefined, listenerCount: () => 0, get: () => undefined }],
    ['a client that is not there yet', Promise.resolve(createClient())],
  ])('refuses %s in the place of a client, and says what one is', (_what, given) => {
    const create = () => new RedisSessionStore(given as unknown as RedisSessionClient);
    expect(create).toThrow(OidcConfigurationError);
    expect(create).toThrow(
      'RedisSessionStore: the client must be one of node-redis 6: what createClient(), createClientPool(), ' +
        'createCluster() or createSentinel() of the package redis returns.',
    );
  });

  it('says everything that is wrong at once, with option and cure', () => {
    const options = { prefix: 'app:', keyPrefix: 7, commandTimeout: 0, processCache: { maxEntries: 0, max: 1 } };
    expect(problemsOf(() => new RedisSessionStore('redis' as never, options as never))).toEqual([
      expect.stringMatching(/^RedisSessionStore: the client must be one of node-redis 6/u),
      'RedisSessionStore: prefix is not known: there are keyPrefix, commandTimeout and processCache.',
      'RedisSessionStore: keyPrefix must be a string.',
      'RedisSessionStore: commandTimeout must be a number of seconds above 0, up to 10.',
      'RedisSessionStore: processCache.max is not known: there are maxEntries and maxSilence.',
      'RedisSessionStore: processCache.maxEntries must be a whole number from 1 to 1,000,000.',
    ]);
  });

  it('says that a pool cannot have a process cache, beside what else is wrong', () => {
    const options = { keyPrefix: null, processCache: true } as unknown as RedisSessionStoreOptions;
    expect(problemsOf(() => new RedisSessionStore(createClientPool(), options))).toEqual([
      'RedisSessionStore: keyPrefix must be a string.',
      expect.stringMatching(/^RedisSessionStore: processCache needs a single client/u),
    ]);
  });

  it.each([null, 'app:', 7])('refuses %p in the place of its options', (options) => {
    expect(problemsOf(() => new RedisSessionStore(client, options as never))).toEqual([
      'RedisSessionStore: the options must be an object.',
    ]);
  });

  it('does not close the client of the application', async () => {
    await store.close();
    expect(client.isReady).toBe(true);
    expect(await store.get(key)).toBeUndefined();
  });

  it('refuses a cluster that reads from replicas: one that lags behind would answer with what was', () => {
    const create = (useReplicas: boolean) => new RedisSessionStore(createCluster({ rootNodes: [], useReplicas }));
    expect(() => create(true)).toThrow(OidcConfigurationError);
    expect(() => create(true)).toThrow('RedisSessionStore: the cluster must not have useReplicas');
    expect(() => create(false)).not.toThrow();
  });

  it('ends a session though its user may not tell of it (ACL without the channel)', async () => {
    await client.sendCommand(['ACL', 'SETUSER', 'app', 'on', '>password', '~*', '+@all', 'resetchannels']);
    const restricted = await createClient({ url: server.url.replace('//', '//app:password@') })
      .on('error', () => undefined)
      .connect();
    const asked = new RedisSessionStore(restricted, {}, clock);
    await asked.create(key, session());
    expect(await asked.delete(key)).toBe(true);
    expect(await store.get(key)).toBeUndefined();
    restricted.destroy();
  });

  describe('listens to ends', () => {
    /** What the store makes of the client, to listen with. */
    function duplicatesOf(original: { duplicate(): unknown }) {
      const duplicates: (typeof client)[] = [];
      const duplicate = original.duplicate.bind(original);
      original.duplicate = () => {
        const made = duplicate() as typeof client;
        duplicates.push(made);
        return made;
      };
      return duplicates;
    }

    it('until it is told to stop, also when it is closed: another application may use it', async () => {
      const duplicates = duplicatesOf(client);
      const stop = await store.onDelete(() => undefined);
      await store.close();
      expect(duplicates.map(({ isOpen }) => isOpen)).toEqual([true]);
      stop();
      expect(duplicates.map(({ isOpen }) => isOpen)).toEqual([false]);
    });

    it('no more once it is closed, though it could never connect', async () => {
      const url = `redis://127.0.0.1:${await freePort()}`;
      const nowhere = createClient({ url, socket: { reconnectStrategy: 10 } });
      const duplicates = duplicatesOf(nowhere);
      const away = new RedisSessionStore(nowhere, {}, clock);
      const listening = watch(away.onDelete(() => undefined));
      const [duplicate] = duplicates;
      if (!duplicate) throw new Error('There is no connection to listen with.');
      await emitted('reconnecting', duplicate);
      expect(listening.state).toBe('pending');
      await away.close();
      await eventually(() => expect(listening.state).toBe('rejected'));
      expect(duplicate.isOpen).toBe(false);
    });

    it('no more once it is closed while it connects', async () => {
      const duplicates = duplicatesOf(client);
      const listening = watch(store.onDelete(() => undefined));
      await store.close();
      await eventually(() => expect(listening.state).toBe('rejected'));
      expect(duplicates.map(({ isOpen, isReady }) => [isOpen, isReady])).toEqual([[false, false]]);
      const names = async () => (await client.clientList()).map(({ cmd }) => cmd);
      await eventually(async () => expect(await names()).not.toContain('subscribe'));
    });

    it('with no connection where Redis refuses it', async () => {
      await client.sendCommand(['ACL', 'SETUSER', 'deaf', 'on', '>password', '~*', '+@all', 'resetchannels']);
      const deaf = await createClient({ url: server.url.replace('//', '//deaf:password@') })
        .on('error', () => undefined)
        .connect();
      const duplicates = duplicatesOf(deaf);
      await expect(new RedisSessionStore(deaf, {}, clock).onDelete(() => undefined)).rejects.toThrow('NOPERM');
      expect(duplicates.map(({ isOpen }) => isOpen)).toEqual([false]);
      deaf.destroy();
    });
  });

  describe('in Redis', () => {
    it('keeps a session as one value: generation, expiry, last use, data', async () => {
      await store.create(key, session(7));
      const value = Buffer.from(
        (await client.sendCommand<string>(['DUMP', sessionKey()], { typeMapping: { 36: Buffer } })) ?? '',
      );
      const header = Buffer.alloc(24);
      header.writeBigUInt64BE(7n);
      header.writeBigUInt64BE(BigInt(clock.now() + HOUR), 8);
      header.writeBigUInt64BE(BigInt(clock.now()), 16);
      expect(value.includes(Buffer.concat([header, Buffer.from([0, 255, 128])]))).toBe(true);
    });

    it('lets every key expire by itself', async () => {
      await store.create(key, session());
      await expectTimeToLive(sessionKey(), HOUR);
      await store.touch(key, clock.now() + 2 * HOUR, clock.now());
      await expectTimeToLive(sessionKey(), 2 * HOUR);
      await store.lock(key, 'owner', 3 * HOUR);
      await expectTimeToLive(lockKey(), 3 * HOUR);
      await store.replace(key, session(2, 4 * HOUR), 1, 'another owner');
      await expectTimeToLive(sessionKey(), 4 * HOUR);
      await store.markUsed(key, clock.now() + 5 * HOUR);
      await expectTimeToLive(`oidc:m:${key}`, 5 * HOUR);
      await store.addMember(key, 'long', clock.now() + 6 * HOUR);
      await store.addMember(key, 'short', clock.now() + HOUR);
      await expectTimeToLive(`oidc:x:${key}`, 6 * HOUR);
    });

    it('keeps a key no shorter for a touch with an earlier expiry', async () => {
      await store.create(key, session(1, 2 * HOUR));
      expect(await store.touch(key, clock.now() + HOUR, clock.now())).toBe(true);
      await expectTimeToLive(sessionKey(), 2 * HOUR);
    });

    it('takes an expiry that has passed already, and one between two milliseconds', async () => {
      await store.create(key, session(1, -5_000));
      expect(await store.get(key)).toBeUndefined();
      await store.create(key, session(1, HOUR + 0.5));
      expect((await store.get(key))?.expiresAt).toBe(clock.now() + HOUR);
      expect(await store.touch(key, clock.now() + HOUR + 1.5, clock.now())).toBe(true);
      expect((await store.get(key))?.expiresAt).toBe(clock.now() + HOUR + 1);
    });

    it('removes the lock with its session', async () => {
      await store.create(key, session());
      await store.lock(key, 'owner', HOUR);
      await store.delete(key);
      expect(await client.exists([sessionKey(), lockKey()])).toBe(0);
    });

    it('leaves no lock without a session', async () => {
      await store.lock(key, 'owner', HOUR);
      expect(await client.exists(lockKey())).toBe(0);
    });

    it('keeps applications with different prefixes apart [SES-06]', async () => {
      const other = new RedisSessionStore(client, { keyPrefix: 'other:' }, clock);
      await store.create(key, session());
      expect(await other.get(key)).toBeUndefined();
      await other.create(key, session(9));
      expect((await store.get(key))?.generation).toBe(1);
      expect(await client.exists(`other:s:{${key}}`)).toBe(1);
    });

    it('reads what it wrote with a client that puts a prefix of its own before keys', async () => {
      const prefixing = await client.duplicate({ keyPrefix: 'application:' }).connect();
      const prefixed = new RedisSessionStore(prefixing, {}, clock);
      await prefixed.create(key, session(3));
      expect((await prefixed.get(key))?.generation).toBe(3);
      expect(await store.get(key)).toBeUndefined();
      expect(await client.exists(`application:${sessionKey()}`)).toBe(1);
      prefixing.destroy();
    });

    it('needs one command for each method', async () => {
      await store.create(key, session());
      await Promise.all([store.replace(key, session(), 0, ''), store.touch(key, clock.now() + HOUR, clock.now())]);
      await Promise.all([store.lock(key, 'a', HOUR), store.unlock(key, 'b'), store.delete(key, 9)]);
      await Promise.all([store.addMember(key, 'a', clock.now()), store.members(key), store.removeMember(key, 'a')]);
      await client.configResetStat();
      const calls = async () => {
        const stats = await client.info('commandstats');
        const counts = [...stats.matchAll(/cmdstat_(get|set|eval|evalsha):calls=(\d+)/g)];
        return Object.fromEntries(counts.map(([, command, count]) => [command, Number(count)]));
      };
      await store.get(key);
      expect(await calls()).toEqual({ get: 1 });
      await store.create(key, session());
      await store.markUsed(key, clock.now() + HOUR);
      expect(await calls()).toEqual({ get: 1, set: 2 });
      await store.touch(key, clock.now() + HOUR, clock.now());
      await store.delete(key, 9);
      expect(await calls()).toEqual({ get: 1, set: 2, evalsha: 2 });
      await store.lock(key, 'owner', HOUR);
      await store.unlock(key, 'another owner');
      await store.replace(key, session(2), 1, 'owner');
      expect((await calls())['evalsha']).toBe(5);
      await store.addMember(key, 'member', clock.now() + HOUR);
      await store.members(key);
      await store.removeMember(key, 'member');
      expect((await calls())['evalsha']).toBe(8);
      expect((await calls())['eval']).toBeUndefined();
    });

    it('ends a session by the clock of its caller too', async () => {
      await store.create(key, session(1, 1_000));
      await clock.advance(1_000);
      expect(await client.exists(sessionKey())).toBe(1);
      expect(await store.get(key)).toBeUndefined();
      expect(await store.touch(key, clock.now() + HOUR, clock.now())).toBe(false);
      expect(await store.replace(key, session(2), 1, 'owner')).toBe('gone');
      expect(await store.lock(key, 'owner', HOUR)).toEqual({ acquired: false, session: undefined });
      expect(await client.exists(lockKey())).toBe(0);
      expect(await store.delete(key)).toBe(false);
      expect(await client.exists(sessionKey())).toBe(0);
    });
  });

  describe('meets a value that is not its own', () => {
    it.each(['', 'x', '123456789012345'])('too short (%p): there is no session', async (value) => {
      await client.set(sessionKey(), value);
      expect(await store.get(key)).toBeUndefined();
      expect(await store.touch(key, clock.now() + HOUR, clock.now())).toBe(false);
      expect(await store.replace(key, session(2), 1, 'owner')).toBe('gone');
      expect((await store.lock(key, 'owner', HOUR)).session).toBeUndefined();
      expect(await client.get(sessionKey())).toBe(value);
      expect(await store.delete(key)).toBe(false);
      expect(await client.exists(sessionKey())).toBe(0);
    });

    it('of another type: rejects', async () => {
      await client.hSet(sessionKey(), 'field', 'value');
      await expect(store.get(key)).rejects.toThrow('WRONGTYPE');
      await expect(store.touch(key, clock.now() + HOUR, clock.now())).rejects.toThrow('WRONGTYPE');
      await expect(store.delete(key)).rejects.toThrow('WRONGTYPE');
      await expect(store.lock(key, 'owner', HOUR)).rejects.toThrow('WRONGTYPE');
      await expect(store.replace(key, session(2), 1, 'owner')).rejects.toThrow('WRONGTYPE');
    });
  });

  it('rejects rather than take a client that does not return Buffers for one without sessions', async () => {
    const strings = { listenerCount: () => 1, on: () => undefined, withCommandOptions: () => client };
    await client.set(sessionKey(), 'a string');
    await expect(new RedisSessionStore(strings, {}, clock).get(key)).rejects.toThrow(TypeError);
  });

  it('works on after Redis has forgotten its scripts', async () => {
    await store.create(key, session());
    expect(await store.touch(key, clock.now() + HOUR, clock.now())).toBe(true);
    await client.scriptFlush();
    expect(await store.touch(key, clock.now() + HOUR, clock.now())).toBe(true);
    expect((await store.lock(key, 'owner', HOUR)).acquired).toBe(true);
  });

  it('sends its commands without the timeout of the client, and leaves it to others', async () => {
    const original = AbortSignal.timeout;
    let signals = 0;
    AbortSignal.timeout = (ms) => {
      signals += 1;
      return original.call(AbortSignal, ms);
    };
    try {
      await store.create(key, session());
      await store.get(key);
      await store.touch(key, clock.now() + HOUR, clock.now());
      expect(signals).toBe(0);
      await client.ping();
      expect(signals).toBe(1);
    } finally {
      AbortSignal.timeout = original;
    }
  });

  it('rejects at once when the client was never connected', async () => {
    const unconnected = new RedisSessionStore(createClient({ url: server.url }), {}, clock);
    await expect(unconnected.get(key)).rejects.toThrow('The client is closed');
  });

  describe('when Redis is away', () => {
    it('waits 2 seconds for a frozen server, then half a second each, and works again afterwards', async () => {
      await store.create(key, session());
      server.pause();
      const first = watch(store.get(key));
      await clock.advance(1_999);
      expect(first.state).toBe('pending');
      await clock.advance(1);
      expect(first).toMatchObject({ state: 'rejected', error: { message: expect.stringContaining('within 2000 ms') } });

      const second = watch(store.touch(key, clock.now() + HOUR, clock.now()));
      await clock.advance(500);
      expect(second).toMatchObject({ state: 'rejected', error: { message: expect.stringContaining('within 500 ms') } });

      server.resume();
      expect((await store.get(key))?.generation).toBe(1);
      server.pause();
      const third = watch(store.get(key));
      await clock.advance(1_999);
      expect(third.state).toBe('pending');
      await clock.advance(1);
      expect(third.state).toBe('rejected');
      server.resume();
    });

    it('waits as long as it was told', async () => {
      const patient = new RedisSessionStore(client, { commandTimeout: 0.2 }, clock);
      server.pause();
      for (const attempt of [watch(patient.get(key)), watch(patient.lock(key, 'owner', HOUR))]) {
        await clock.advance(200);
        expect(attempt.state).toBe('rejected');
      }
      const next = watch(patient.get(key));
      await clock.advance(200);
      expect(next.state).toBe('rejected');
      server.resume();
    });

    it('leaves one timer behind for all commands, which comes to its end', async () => {
      await store.get(key);
      await expect(store.lock(key, 'owner', -1)).resolves.toBeDefined();
      expect(clock.pending).toBe(1);
      await clock.advance(2000);
      expect(clock.pending).toBe(0);
    });

    it('waits half a second without a connection', async () => {
      await lose();
      const attempt = watch(store.get(key));
      await clock.advance(499);
      expect(attempt.state).toBe('pending');
      await clock.advance(1);
      expect(attempt).toMatchObject({
        state: 'rejected',
        error: { message: expect.stringContaining('within 500 ms') },
      });
      await recover();
      expect(await store.get(key)).toBeUndefined();
    });

    it('does not listen to errors when the application does', () => {
      expect(client.listenerCount('error')).toBe(1);
    });

    it('does not let a short interruption be noticed', async () => {
      await lose();
      const read = store.get(key);
      const write = store.create(randomToken(), session());
      await recover();
      expect(await read).toBeUndefined();
      await write;
    });

    it('does not send later what its caller no longer waits for', async () => {
      await lose();
      const writes = Array.from({ length: 20 }, () => watch(store.create(key, session())));
      await clock.advance(500);
      expect(writes.every(({ state }) => state === 'rejected')).toBe(true);
      await recover();
      expect(await store.get(key)).toBeUndefined();
    });

    it('rejects at once what was under way when the connection broke', async () => {
      server.pause();
      const attempt = store.get(key);
      const rejected = expect(attempt).rejects.toThrow();
      await clock.advance(1);
      await lose();
      await rejected;
      await recover();
    });

    it('listens to errors when the application does not, or the process would end, and tells them as the cause', async () => {
      const careless = await createClient({ url: server.url, socket: { reconnectStrategy: 10 } }).connect();
      try {
        const survivor = new RedisSessionStore(careless, {}, clock);
        expect(careless.listenerCount('error')).toBe(1);
        const lost = emitted('reconnecting', careless);
        await lose();
        await lost;
        const attempt = watch(survivor.get(key));
        await clock.advance(500);
        expect(attempt.state).toBe('rejected');
        expect(attempt).toHaveProperty('error.cause.message');
        await recover();
        if (!careless.isReady) await emitted('ready', careless);
        expect(await survivor.get(key)).toBeUndefined();
      } finally {
        careless.destroy();
      }
    });
  });
});
