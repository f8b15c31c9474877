import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { createCluster } from 'redis';
import { randomToken } from '../../lib/common/random.js';
import { REPLACE, TOUCH } from '../../lib/store/redis-scripts.js';
import { RedisSessionStore } from '../../lib/store/redis-session-store.js';
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { eventually } from '../support/eventually.js';
import { RedisCluster, type RedisClusterNode } from '../support/redis-cluster.js';

const HOUR = 3_600_000;

/** Long enough for a few round trips on a busy machine. */
const SPAN = 300;

const sessionKey = (key: string) => `oidc:s:{${key}}`;
const lockKey = (key: string) => `oidc:l:{${key}}`;

describe('RedisSessionStore on a cluster of three masters', () => {
  let servers: RedisCluster;
  const clients: { destroy(): void }[] = [];
  let cluster: Awaited<ReturnType<typeof connect>>;
  let clock: ControlledClock;
  let store: RedisSessionStore;

  beforeAll(async () => {
    servers = await RedisCluster.start();
    cluster = await connect();
  });

  afterAll(async () => {
    for (const client of clients) client.destroy();
    await servers.dispose();
  });

  beforeEach(() => {
    clock = new ControlledClock();
    store = new RedisSessionStore(cluster, {}, clock);
  });

  async function connect(commandsQueueMaxLength?: number) {
    const defaults = { socket: { reconnectStrategy: 20 }, ...(commandsQueueMaxLength && { commandsQueueMaxLength }) };
    const client = createCluster({ rootNodes: servers.rootNodes, defaults }).on('error', () => undefined);
    clients.push(client);
    return client.connect();
  }

  const session = (generation = 1) => ({
    data: Uint8Array.of(0, 255, 128),
    generation,
    expiresAt: clock.now() + HOUR,
    lastSeenAt: clock.now(),
  });

  /** A key whose session belongs to `node`. */
  async function keyOn(node: RedisClusterNode): Promise<string> {
    for (;;) {
      const key = randomToken();
      if ((await servers.placeOf(sessionKey(key))).home === node) return key;
    }
  }

  describe('keeps the contract of a session store', () => {
    let peer: typeof cluster;

    beforeAll(async () => {
      peer = await connect();
    });

    const cases = sessionStoreContract({
      createStore: () => new RedisSessionStore(cluster),
      createPeer: () => new RedisSessionStore(peer),
      advance: (ms) => wait(ms),
      span: SPAN,
    });
    for (const { title, run } of cases) it(title, run);
  });

  it('keeps a session and its lock on one master, and has sessions on all of them', async () => {
    const keys = Array.from({ length: 60 }, randomToken);
    await Promise.all(keys.map((key) => store.create(key, session())));
    await Promise.all(keys.map((key) => store.lock(key, 'owner', HOUR)));
    const found: string[] = [];
    for (const node of servers.nodes) {
      const stored = new Set(await node.keys('oidc:*'));
      const own = keys.filter((key) => stored.has(sessionKey(key)));
      expect(own).not.toHaveLength(0);
      expect(own.filter((key) => !stored.has(lockKey(key)))).toEqual([]);
      found.push(...own);
    }
    expect(found.sort()).toEqual(keys.sort());
  });

  it('runs its scripts on a master that has not seen them', async () => {
    for (const node of servers.nodes) await node.send('SCRIPT', 'FLUSH', 'SYNC');
    const known = (node: RedisClusterNode) => node.send('SCRIPT', 'EXISTS', TOUCH.sha1, REPLACE.sha1);
    for (const node of servers.nodes) {
      const key = await keyOn(node);
      await store.create(key, session());
      expect(await known(node)).toEqual([0, 0]);
      expect(await store.touch(key, clock.now() + HOUR, clock.now())).toBe(true);
      expect(await store.replace(key, session(2), 1, 'owner')).toBe('written');
      expect(await known(node)).toEqual([1, 1]);
    }
  });

  describe('while the slot of a session moves to another master', () => {
    let key: string;
    let slot: string;
    let home: RedisClusterNode;
    let target: RedisClusterNode;

    beforeEach(async () => {
      store = new RedisSessionStore(cluster, { commandTimeout: 10 });
      key = randomToken();
      const place = await servers.placeOf(sessionKey(key));
      slot = String(place.slot);
      home = place.home;
      target = place.elsewhere;
      await store.create(key, { ...session(), expiresAt: Date.now() + HOUR, lastSeenAt: Date.now() });
    });

    async function beginMove() {
      await target.send('CLUSTER', 'SETSLOT', slot, 'IMPORTING', home.id);
      await home.send('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
    }

    const moveKeys = (...keys: string[]) =>
      home.send('MIGRATE', '127.0.0.1', String(target.port), '', '0', '1000', 'KEYS', ...keys);

    async function finishMove() {
      for (const node of [target, home]) await node.send('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
      await servers.untilAgreed();
    }

    /** How often a master has refused a script because the session is there and the lock may be elsewhere. */
    async function refusals(node: RedisClusterNode): Promise<number> {
      const stats = String(await node.send('INFO', 'errorstats'));
      return Number(/errorstat_TRYAGAIN:count=(\d+)/.exec(stats)?.[1] ?? 0);
    }

    it('reads the session on both sides of the move', async () => {
      await beginMove();
      expect((await store.get(key))?.generation).toBe(1);
      await moveKeys(sessionKey(key));
      expect((await store.get(key))?.generation).toBe(1);
      await finishMove();
      expect((await store.get(key))?.generation).toBe(1);
    });

    it('delays what changes the session until it has moved', async () => {
      await beginMove();
      const before = [await refusals(home), await refusals(target)] as const;
      const touched = store.touch(key, Date.now() + HOUR, Date.now());
      const locked = store.lock(key, 'owner', HOUR);
      await eventually(async () => expect(await refusals(home)).toBeGreaterThan(before[0]));
      await moveKeys(sessionKey(key));
      await eventually(async () => expect(await refusals(target)).toBeGreaterThan(before[1]));
      await finishMove();
      expect(await touched).toBe(true);
      expect((await locked).acquired).toBe(true);
      expect((await store.lock(key, 'another owner', HOUR)).holder).toBe('owner');
      expect(new Set(await target.keys(`oidc:?:{${key}}`))).toEqual(new Set([sessionKey(key), lockKey(key)]));
    });

    it('takes a lock along', async () => {
      await store.lock(key, 'owner', HOUR);
      await beginMove();
      expect((await store.lock(key, 'another owner', HOUR)).holder).toBe('owner');
      await moveKeys(sessionKey(key), lockKey(key));
      expect((await store.lock(key, 'another owner', HOUR)).holder).toBe('owner');
      await finishMove();
      expect((await store.lock(key, 'another owner', HOUR)).holder).toBe('owner');
    });

    it('rejects what changes the session if the move takes too long, and works again afterwards', async () => {
      await beginMove();
      const hasty = new RedisSessionStore(cluster, { commandTimeout: 0.2 });
      await expect(hasty.touch(key, Date.now() + HOUR, Date.now())).rejects.toThrow('TRYAGAIN');
      await expect(hasty.lock(key, 'owner', HOUR)).rejects.toThrow('TRYAGAIN');
      for (const node of [home, target]) await node.send('CLUSTER', 'SETSLOT', slot, 'STABLE');
      expect(await hasty.touch(key, Date.now() + HOUR, Date.now())).toBe(true);
      expect((await hasty.lock(key, 'owner', HOUR)).acquired).toBe(true);
    });
  });

  describe('when one master is down', () => {
    let down: RedisClusterNode;
    let others: RedisClusterNode[];
    let client: typeof cluster;

    beforeAll(() => {
      [down, ...others] = servers.nodes.toReversed() as [RedisClusterNode, ...RedisClusterNode[]];
    });

    beforeEach(async () => {
      client = await connect(10);
      store = new RedisSessionStore(client, {}, clock);
    });

    afterEach(recover);

    async function lose() {
      const noticed = once(client, 'node-reconnecting');
      await down.stop();
      await noticed;
    }

    async function recover() {
      await down.start();
      await servers.untilAgreed();
    }

    async function givenSessionOn(node: RedisClusterNode): Promise<string> {
      const key = await keyOn(node);
      await store.create(key, session());
      return key;
    }

    it('rejects for its sessions only, and has them again when it is back', async () => {
      const lost = await givenSessionOn(down);
      const kept = await Promise.all(others.map(givenSessionOn));
      await lose();
      const outcomes = [
        store.get(lost),
        store.touch(lost, clock.now() + HOUR, clock.now()),
        store.lock(lost, 'owner', HOUR),
        store.replace(lost, session(2), 7, 'owner'),
      ].map(outcomeOf);
      for (const key of kept) {
        expect((await store.get(key))?.generation).toBe(1);
        expect((await store.lock(key, 'owner', HOUR)).acquired).toBe(true);
        expect(await store.replace(key, session(2), 1, 'owner')).toBe('written');
        await store.create(await givenSessionOn(servers.nodes[0] as RedisClusterNode), session());
      }
      await clock.advance(2_000);
      expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 4 }, () => 'RedisDeadlineError'));

      await recover();
      expect((await store.get(lost))?.generation).toBe(1);
      expect(await store.replace(lost, session(2), 1, 'owner')).toBe('written');
    });

    it('does not pile up what nobody waits for any more, though the others answer', async () => {
      const [lost, kept] = [await givenSessionOn(down), await givenSessionOn(others[0] as RedisClusterNode)];
      await lose();
      for (let round = 0; round < 10; round += 1) {
        const outcomes = [store.get(lost), store.get(lost), store.get(lost)].map(outcomeOf);
        expect((await store.get(kept))?.generation).toBe(1);
        await clock.advance(2_000);
        expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 3 }, () => 'RedisDeadlineError'));
        expect((await store.get(kept))?.generation).toBe(1);
      }
      await recover();
      expect((await store.get(lost))?.generation).toBe(1);
    });
  });
});

/** How a promise ended: the name of its error, if it rejected. */
async function outcomeOf(answer: unknown): Promise<string> {
  return Promise.resolve(answer).then(
    () => 'fulfilled',
    (error: unknown) => (error as Error).name,
  );
}
