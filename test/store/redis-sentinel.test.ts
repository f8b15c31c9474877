import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { createSentinel } from 'redis';
import { randomToken } from '../../lib/common/random.js';
import { LOCK, REPLACE, TOUCH } from '../../lib/store/redis-scripts.js';
import { RedisSessionStore } from '../../lib/store/redis-session-store.js';
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { eventually } from '../support/eventually.js';
import { MASTER_NAME, RedisSentinel } from '../support/redis-sentinel.js';

const HOUR = 3_600_000;

/** Long enough for a few round trips on a busy machine. */
const SPAN = 300;

describe('RedisSessionStore on a master that sentinels watch over', () => {
  let servers: RedisSentinel;
  let sentinel: Awaited<ReturnType<typeof connect>>;

  beforeAll(async () => {
    servers = await RedisSentinel.start();
    sentinel = await connect();
  });

  afterAll(async () => {
    await sentinel.destroy();
    await servers.dispose();
  });

  async function connect() {
    // Without a reserved client node-redis sends the commands of a burst one after the other.
    return createSentinel({ name: MASTER_NAME, sentinelRootNodes: servers.rootNodes, reserveClient: true }).connect();
  }

  describe('keeps the contract of a session store', () => {
    let peer: typeof sentinel;

    beforeAll(async () => {
      peer = await connect();
    });

    afterAll(() => peer.destroy());

    const cases = sessionStoreContract({
      createStore: () => new RedisSessionStore(sentinel),
      createPeer: () => new RedisSessionStore(peer),
      advance: (ms) => wait(ms),
      span: SPAN,
    });
    for (const { title, run } of cases) it(title, run);
  });

  describe('when the master is gone', () => {
    const clock = new ControlledClock();
    const [free, held, moved, mark, late] = [randomToken(), randomToken(), randomToken(), randomToken(), randomToken()];
    const scripts = [TOUCH, LOCK, REPLACE].map(({ sha1 }) => sha1);
    const outcomes: string[] = [];
    let store: RedisSessionStore;

    const session = (generation = 1) => ({
      data: Uint8Array.of(0, 255, 128),
      generation,
      expiresAt: clock.now() + HOUR,
      lastSeenAt: clock.now(),
    });

    /** How a promise ends when nothing answers: the name of its error, if it rejects. */
    async function outcomeOf(answer: unknown): Promise<string> {
      const outcome = Promise.resolve(answer).then(
        () => 'fulfilled',
        (error: unknown) => (error as Error).name,
      );
      await clock.advance(2_000);
      return outcome;
    }

    beforeAll(async () => {
      store = new RedisSessionStore(sentinel, {}, clock);
      for (const key of [free, held, moved]) await store.create(key, session());
      await store.lock(held, 'owner', HOUR);
      await store.replace(moved, session(2), 1, 'owner');
      await store.touch(free, clock.now() + HOUR, clock.now());
      await store.markUsed(mark, clock.now() + HOUR);
      await servers.replicated();

      await servers.killMaster();
      outcomes.push(await outcomeOf(store.get(free)));
      outcomes.push(await outcomeOf(store.touch(free, clock.now() + HOUR, clock.now())));
      outcomes.push(await outcomeOf(store.lock(free, 'owner', HOUR)));
      outcomes.push(await outcomeOf(store.create(late, session())));
      await servers.failedOver();
    });

    it('rejects in the meantime', () => {
      expect(outcomes).toEqual(Array.from({ length: 4 }, () => 'RedisDeadlineError'));
    });

    it('finds its sessions, locks and marks on the new master, by itself', async () => {
      expect((await eventually(() => store.get(free)))?.generation).toBe(1);
      expect((await store.get(moved))?.generation).toBe(2);
      expect(await store.get(held)).toMatchObject({ data: Buffer.from([0, 255, 128]) });
      expect(await store.markUsed(mark, clock.now() + HOUR)).toBe(false);
    });

    it('runs its scripts on the new master, which has not seen them', async () => {
      expect(await servers.send('SCRIPT', 'EXISTS', ...scripts)).toEqual([0, 0, 0]);
      expect(await store.touch(free, clock.now() + HOUR, clock.now())).toBe(true);
      expect(await store.lock(held, 'another owner', HOUR)).toMatchObject({ acquired: false, holder: 'owner' });
      expect((await store.lock(free, 'owner', HOUR)).acquired).toBe(true);
      expect(await store.replace(moved, session(2), 1, 'owner')).toBe('moved');
      expect(await store.replace(held, session(2), 1, 'owner')).toBe('written');
      expect((await store.lock(held, 'another owner', HOUR)).acquired).toBe(true);
      expect(await servers.send('SCRIPT', 'EXISTS', ...scripts)).toEqual([1, 1, 1]);
    });

    it('does not send later what its caller no longer waits for', async () => {
      expect(await store.get(late)).toBeUndefined();
    });
  });
});
