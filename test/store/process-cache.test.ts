import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from 'redis';
import { randomToken } from '../../lib/common/random.js';
import { RedisSessionStore } from '../../lib/store/redis-session-store.js';
import type { StoredSession } from '../../lib/store/session-store.js';
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';

const HOUR = 3_600_000;

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

type Client = Awaited<ReturnType<typeof connect>>;

describe.each([2, 3] as const)('RedisSessionStore with a process cache and RESP%d', (RESP) => {
  let clients: readonly [Client, Client];

  beforeAll(async () => {
    clients = [await connect(RESP), await connect(RESP)];
  });

  afterAll(() => clients.forEach((client) => client.destroy()));

  describe('keeps the contract of a session store', () => {
    const withCache = async (client: Client) => {
      const store = new RedisSessionStore(client, { processCache: true });
      await eventually(() => expect(store.isCaching).toBe(true));
      return store;
    };
    const cases = sessionStoreContract({
      createStore: () => withCache(clients[0]),
      createPeer: () => withCache(clients[1]),
      advance: (ms) => wait(ms),
      span: 100,
    });
    for (const { title, run } of cases) it(title, run);
  });
});

describe('The process cache', () => {
  let client: Client;
  /** Another process. */
  let other: Client;
  let clock: ControlledClock;
  let store: RedisSessionStore;
  let peer: RedisSessionStore;
  let key: string;

  beforeEach(async () => {
    [client, other] = [await connect(), await connect()];
    clock = new ControlledClock();
    store = new RedisSessionStore(client, { processCache: true }, clock);
    peer = new RedisSessionStore(other, {}, clock);
    key = randomToken();
    await caching();
  });

  afterEach(async () => {
    server.resume();
    await store.close?.();
    [client, other].forEach((each) => each.destroy());
  });

  const session = (generation = 1, lifetimeMs = HOUR): StoredSession => ({
    data: Uint8Array.of(0, 255, generation),
    generation,
    expiresAt: clock.now() + lifetimeMs,
    lastSeenAt: clock.now(),
  });

  const caching = () => eventually(() => expect(store.isCaching).toBe(true));

  /** Commands that Redis has run, other than those that ask for this. */
  async function commands(): Promise<Record<string, number>> {
    const stats = await other.info('commandstats');
    return Object.fromEntries(
      [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)]
        .map(([, command, calls]) => [command, Number(calls)] as const)
        .filter(([command]) => command !== 'info' && command !== 'config|resetstat'),
    );
  }

  const counting = () => other.configResetStat();

  /** A session that is in the process. */
  async function cached(given = session()): Promise<StoredSession> {
    await peer.create(key, given);
    await store.get(key);
    return held();
  }

  /** Waits until the session is in the process: two reads answer the same object. */
  function held(): Promise<StoredSession> {
    return eventually(async () => {
      const first = await store.get(key);
      expect(first).toBeDefined();
      expect(await store.get(key)).toBe(first);
      return first as StoredSession;
    });
  }

  const forgotten = () => eventually(async () => expect(await store.get(key)).toBeUndefined());

  it('answers a session that it has read without a command, and always the same object', async () => {
    const first = await cached();
    await counting();
    for (let read = 0; read < 100; read += 1) expect(await store.get(key)).toBe(first);
    expect(await commands()).toEqual({});
  });

  it('forgets a session that another process ends', async () => {
    await cached();
    await peer.delete(key);
    await forgotten();
  });
});
