import { describe, expect, it } from '@jest/globals';
import { OidcConfigurationError } from '../../lib/common/errors.js';
import { MemorySessionStore, type MemorySessionStoreOptions } from '../../lib/store/memory-session-store.js';
import { sessionStoreContract } from '../../lib/testing/session-store-contract.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { problemsOf } from './problems-of.js';

const HOUR = 3_600_000;

function given(options: MemorySessionStoreOptions = {}) {
  const clock = new ControlledClock();
  const store = new MemorySessionStore(options, clock);
  const create = (key: string, lifetimeMs = HOUR) =>
    store.create(key, {
      data: Uint8Array.of(1),
      generation: 1,
      expiresAt: clock.now() + lifetimeMs,
      lastSeenAt: clock.now(),
    });
  const alive = async (...keys: string[]) => {
    const found: string[] = [];
    for (const key of keys) if ((await store.lock(key, 'test', 1)).session) found.push(key);
    return found;
  };
  return { clock, store, create, alive };
}

describe('MemorySessionStore', () => {
  describe('keeps the contract of a session store [REF-02]', () => {
    const clock = new ControlledClock();
    const cases = sessionStoreContract({
      createStore: () => new MemorySessionStore({}, clock),
      advance: (ms) => clock.advance(ms),
      now: () => clock.now(),
    });
    for (const { title, run } of cases) it(title, run);
  });

  it('works with the system clock and 50,000 sessions when nothing is set', async () => {
    const store = new MemorySessionStore();
    const expiresAt = Date.now() + HOUR;
    await store.create('a', { data: Uint8Array.of(1), generation: 1, expiresAt, lastSeenAt: 1 });
    expect(await store.get('a')).toEqual({ data: Uint8Array.of(1), generation: 1, expiresAt, lastSeenAt: 1 });
    await store.close();
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a maximum of %p sessions', (maxSessions) => {
    expect(() => new MemorySessionStore({ maxSessions })).toThrow(OidcConfigurationError);
  });

  it('says everything that is wrong at once', () => {
    const options = { max: 10, maxSessions: 0, onEvict: true };
    expect(problemsOf(() => new MemorySessionStore(options as never))).toEqual([
      'MemorySessionStore: max is not known: there are maxSessions and onEvict.',
      'MemorySessionStore: maxSessions must be an integer of at least 1.',
      'MemorySessionStore: onEvict must be a function.',
    ]);
    expect(problemsOf(() => new MemorySessionStore(null as never))).toEqual([
      'MemorySessionStore: the options must be an object.',
    ]);
  });

  it('is not changed by what the caller does with its object afterwards', async () => {
    const { clock, store } = given();
    const session = { data: Uint8Array.of(1), generation: 1, expiresAt: clock.now() + HOUR, lastSeenAt: clock.now() };
    await store.create('a', session);
    session.generation = 7;
    session.data[0] = 7;
    expect(await store.get('a')).toMatchObject({ generation: 1, data: Uint8Array.of(1) });
  });

  it('hands out bytes that are the caller’s own, in what looks like any other object', async () => {
    const { clock, store } = given();
    const times = { expiresAt: clock.now() + HOUR, lastSeenAt: clock.now() };
    const data = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.create('a', { data, generation: 1, ...times });
    const found = await store.get('a');
    found?.data.fill(0);
    expect({ ...found }).toEqual({ data, generation: 1, ...times });
    expect(await store.touch('a', times.expiresAt + 1, times.lastSeenAt)).toBe(true);
    expect(await store.get('a')).toEqual({ data, generation: 1, ...times, expiresAt: times.expiresAt + 1 });
  });

  it('hands out the same object for as long as the session stays as it is', async () => {
    const { store, create } = given();
    await create('a');
    expect(store.get('a')).toBe(store.get('a'));
  });

  describe('when it is full', () => {
    it('lets the session go that was not used for longest, and tells', async () => {
      let evicted = 0;
      const { store, create, alive } = given({ maxSessions: 3, onEvict: () => (evicted += 1) });
      for (const key of ['a', 'b', 'c']) await create(key);
      await store.get('a');
      await create('d');
      expect(evicted).toBe(1);
      expect(await alive('a', 'b', 'c', 'd')).toEqual(['a', 'c', 'd']);
    });

    it('counts a touch and a refresh as use', async () => {
      const { clock, store, create, alive } = given({ maxSessions: 3 });
      for (const key of ['a', 'b', 'c']) await create(key);
      await store.touch('a', clock.now() + HOUR, clock.now());
      await store.replace(
        'b',
        { data: Uint8Array.of(2), generation: 2, expiresAt: clock.now() + HOUR, lastSeenAt: clock.now() },
        1,
        'owner',
      );
      await create('d');
      expect(await alive('a', 'b', 'c', 'd')).toEqual(['a', 'b', 'd']);
    });

    it('lets expired sessions go first, and does not tell', async () => {
      let evicted = 0;
      const { clock, create, alive } = given({ maxSessions: 3, onEvict: () => (evicted += 1) });
      await create('a');
      await create('b', 1_000);
      await create('c');
      await clock.advance(1_000);
      await create('d');
      expect(await alive('a', 'b', 'c', 'd')).toEqual(['a', 'c', 'd']);
      expect(evicted).toBe(0);
    });

    it('lets the least recently used go when none of the expired ones is left', async () => {
      const { clock, create, alive } = given({ maxSessions: 2 });
      await create('a');
      await create('b', 1_000);
      await clock.advance(1_000);
      await create('c');
      await create('d');
      expect(await alive('a', 'b', 'c', 'd')).toEqual(['c', 'd']);
    });

    it('replaces and touches without letting any go', async () => {
      let evicted = 0;
      const { clock, store, create } = given({ maxSessions: 1, onEvict: () => (evicted += 1) });
      await create('a');
      await store.touch('a', clock.now() + HOUR, clock.now());
      await store.replace(
        'a',
        { data: Uint8Array.of(2), generation: 2, expiresAt: clock.now() + HOUR, lastSeenAt: clock.now() },
        1,
        'owner',
      );
      expect(evicted).toBe(0);
    });

    it('does not lose a session to marks', async () => {
      const { clock, store, create, alive } = given({ maxSessions: 1 });
      await create('a');
      for (let index = 0; index < 20; index += 1) await store.markUsed(`mark ${index}`, clock.now() + HOUR);
      expect(await alive('a')).toEqual(['a']);
    });

    it('forgets the lock of a session that went', async () => {
      const { store, create } = given({ maxSessions: 1 });
      await create('a');
      await store.lock('a', 'owner', HOUR);
      await create('b');
      await create('a');
      expect((await store.lock('a', 'another', HOUR)).acquired).toBe(true);
    });
  });

  it('keeps 10,000 marks and lets the oldest go', async () => {
    const { clock, store } = given();
    const mark = (index: number) => store.markUsed(`mark ${index}`, clock.now() + HOUR);
    for (let index = 0; index <= 10_000; index += 1) expect(await mark(index)).toBe(true);
    expect(await mark(10_000)).toBe(false);
    expect(await mark(1)).toBe(false);
    expect(await mark(0)).toBe(true);
  });

  it('forgets the lock of a session that was deleted', async () => {
    const { store, create } = given();
    await create('a');
    await store.lock('a', 'owner', HOUR);
    await store.delete('a');
    await create('a');
    expect((await store.lock('a', 'another', HOUR)).acquired).toBe(true);
  });

  it('takes a session that has ended already for none', async () => {
    const { store, create } = given();
    await create('a', 0);
    expect(await store.get('a')).toBeUndefined();
  });

  it('ends a lock, and a pause that it was handed to, when its clock is set back meanwhile', async () => {
    const { clock, store, create } = given();
    await create('a');
    const acquires = async (owner: string) => (await store.lock('a', owner, 40_000)).acquired;
    expect(await acquires('one')).toBe(true);
    await clock.advance(-30_000);
    expect(await acquires('other')).toBe(false);
    await clock.advance(-HOUR);
    expect(await acquires('other')).toBe(true);
    await store.unlock('a', 'other', { owner: 'pause', leaseMs: 30_000 });
    expect(await acquires('one')).toBe(false);
    await clock.advance(-HOUR);
    expect(await acquires('one')).toBe(true);
  });

  describe('has sets', () => {
    const name = (index: number) => `member ${index}`;

    it('whose members are in the order in which they were added last', async () => {
      const { clock, store } = given();
      const add = (member: string) => store.addMember('set', member, clock.now() + HOUR);
      for (const member of ['a', 'b', 'c', 'a']) await add(member);
      expect(await store.members('set')).toEqual(['b', 'c', 'a']);
      await store.removeMember('set', 'c');
      await store.removeMember('set', 'b');
      await add('b');
      expect(await store.members('set')).toEqual(['a', 'b']);
    });

    it('of which those that have ended leave no trace, though others are added all the time', async () => {
      const { clock, store } = given();
      for (let index = 0; index < 100; index += 1) {
        await store.addMember('set', name(index), clock.now() + 10_000);
        await clock.advance(1_000);
      }
      expect(await store.members('set')).toEqual(Array.from({ length: 9 }, (_, index) => name(91 + index)));
    });

    it('that end with the last of their members', async () => {
      const { clock, store } = given();
      await store.addMember('set', 'long', clock.now() + 90_000);
      await store.addMember('set', 'short', clock.now() + 30_000);
      await clock.advance(60_000);
      expect(clock.pending).toBe(1);
      expect(await store.members('set')).toEqual(['long']);
      await clock.advance(60_000);
      expect(clock.pending).toBe(0);
      expect(await store.members('set')).toEqual([]);
    });

    async function filled(members: number) {
      const { clock, store } = given();
      for (let index = 0; index < members; index += 1) {
        await store.addMember('set', name(index), clock.now() + HOUR + index);
      }
      return store;
    }

    it('of 130,000 members', async () => {
      const store = await filled(130_000);
      expect(await store.members('set')).toHaveLength(130_000);
      await store.removeMember('set', name(0));
      expect((await store.members('set'))[0]).toBe(name(1));
    });

    it('that take time in proportion to their members', async () => {
      const quickest = async (members: number) => {
        const times: number[] = [];
        for (let attempt = 0; attempt < 5; attempt += 1) {
          const start = performance.now();
          await filled(members);
          times.push(performance.now() - start);
        }
        return Math.min(...times);
      };
      const [small, large] = [await quickest(1_000), await quickest(16_000)];
      // In proportion is 16 times as long, by the square 256 times.
      expect(large / small).toBeLessThan(64);
    });
  });

  describe('sweeps', () => {
    it('only while there is something to sweep', async () => {
      const { clock, create } = given();
      expect(clock.pending).toBe(0);
      await create('a', 90_000);
      await create('b', 90_000);
      expect(clock.pending).toBe(1);
      await clock.advance(60_000);
      expect(clock.pending).toBe(1);
      await clock.advance(60_000);
      expect(clock.pending).toBe(0);
      await create('c', 90_000);
      expect(clock.pending).toBe(1);
    });

    it('no more once it is closed', async () => {
      const { clock, store, create, alive } = given();
      await create('a');
      await store.lock('a', 'owner', HOUR);
      await store.markUsed('b', clock.now() + HOUR);
      expect(clock.pending).toBe(3);
      await store.close();
      expect(clock.pending).toBe(0);
      expect(await alive('a')).toEqual([]);
    });
  });
});
