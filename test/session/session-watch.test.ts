import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SessionWatch } from '../../lib/session/session-watch.js';
import type { SessionStore } from '../../lib/store/session-store.js';
import { OLDER_SECRET, type Loose } from '../options/valid-options.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { CLAIMS, DAY, given, HOUR, SECOND, tokenSet, type Given } from './given.js';

/** `tells`: whether the store tells of what it deletes. */
async function watching({ tells = true, options = {} }: { tells?: boolean; options?: Loose } = {}) {
  const world = given(options);
  const store = (tells ? world.store.inner : { ...world.store, onDelete: undefined }) as SessionStore;
  const watch = new SessionWatch(world.clock, store, world.repository);
  const loaded = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
  const ends: string[] = [];
  const stop = watch.watch(loaded.session, () => ends.push('one'));
  // The store is listened to from the first watch on; that takes a moment.
  await world.clock.advance(0);
  return { ...world, watch, loaded, ends, stop };
}

async function end({ repository }: Given, id: string): Promise<void> {
  await repository.end(id, 'back_channel_logout');
}

function raiseError(): never {
  throw new TypeError('with a secret in it');
}

describe('SessionWatch', () => {
  it('tells everybody who watches a session of its end, at once, and once', async () => {
    const world = await watching();
    world.watch.watch(world.loaded.session, () => world.ends.push('other'));
    await end(world, world.loaded.session.id);
    expect(world.ends).toEqual(['one', 'other']);
    await world.clock.advance(DAY);
    expect(world.ends).toHaveLength(2);
  });

  it('tells at once of a session that has ended since it was read [BCL-08]', async () => {
    const world = await watching();
    const loaded = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    await end(world, loaded.session.id);
    world.watch.watch(loaded.session, () => world.ends.push('late'));
    await world.clock.advance(0);
    expect(world.ends).toEqual(['late']);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => raiseError()],
    ['rejects', async () => raiseError()],
  ])('tells the others also when one %s, and the logout knows nothing of it', async (_, onEnd) => {
    const world = await watching();
    const { session } = world.loaded;
    world.stop();
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    world.watch.watch(session, onEnd);
    world.watch.watch(session, () => world.ends.push('other'));
    await end(world, session.id);
    expect(world.ends).toEqual(['other']);
    await eventually(() => expect(error.mock.calls).toEqual([["What watches a session's end threw TypeError."]]));
    error.mockRestore();
  });

  it('stops at shutdown also when the store cannot be listened to yet, and lets go of it as soon as it can', async () => {
    const world = given();
    const [connected, stopped] = [gate(), gate()];
    const onDelete = async (): Promise<() => void> => {
      await connected.passed;
      return stopped.open;
    };
    const watch = new SessionWatch(world.clock, { ...world.store, onDelete } as SessionStore, world.repository);
    const { session } = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    const timers = world.clock.pending;
    watch.watch(session, () => undefined);
    watch.close();
    expect(world.clock.pending).toBe(timers);
    connected.open();
    await stopped.passed;
  });

  it('emits the end once, and completes', async () => {
    const world = await watching();
    const seen: string[] = [];
    world.watch
      .ended(world.loaded.session)
      .subscribe({ next: () => seen.push('end'), complete: () => seen.push('done') });
    await end(world, world.loaded.session.id);
    expect(seen).toEqual(['end', 'done']);
  });

  it('emits nothing to whoever has unsubscribed', async () => {
    const world = await watching();
    const seen: string[] = [];
    world.watch
      .ended(world.loaded.session)
      .subscribe(() => seen.push('end'))
      .unsubscribe();
    await end(world, world.loaded.session.id);
    expect(seen).toEqual([]);
  });

  it('tells nothing of the end of another session', async () => {
    const world = await watching();
    const other = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    await end(world, other.session.id);
    await world.clock.advance(HOUR);
    expect(world.ends).toEqual([]);
  });

  it('finds out within a second or two where the store does not tell', async () => {
    const world = await watching({ tells: false });
    await end(world, world.loaded.session.id);
    expect(world.ends).toEqual([]);
    await world.clock.advance(SECOND);
    expect(world.ends).toEqual(['one']);
  });

  it('asks instead when the store cannot be listened to now', async () => {
    const world = given();
    const deaf = { ...world.store, onDelete: () => Promise.reject(new Error('ECONNREFUSED')) } as SessionStore;
    const watch = new SessionWatch(world.clock, deaf, world.repository);
    const loaded = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    const ends: string[] = [];
    watch.watch(loaded.session, () => ends.push('one'));
    await end(world, loaded.session.id);
    await world.clock.advance(SECOND);
    expect(ends).toEqual(['one']);
    watch.close();
  });

  it('listens to a store that could not be listened to at first, half a minute later', async () => {
    const world = given();
    let attempts = 0;
    const onDelete: SessionStore['onDelete'] = async (listener) => {
      attempts += 1;
      if (attempts < 3) throw new Error('ECONNREFUSED');
      return world.store.inner.onDelete?.(listener) ?? raiseError();
    };
    const watch = new SessionWatch(world.clock, { ...world.store, onDelete } as SessionStore, world.repository);
    const loaded = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    const ends: string[] = [];
    watch.watch(loaded.session, () => ends.push('one'));
    await world.clock.advance(29 * SECOND);
    expect(attempts).toBe(1);
    await world.clock.advance(33 * SECOND);
    expect(attempts).toBe(3);
    await end(world, loaded.session.id);
    expect(ends).toEqual(['one']);
    watch.close();
  });

  it('asks again soon after the first time: a cache in the process may not have heard of the end by then', async () => {
    const world = await watching();
    await (world.store.inner as { close(): Promise<void> }).close();
    await end(world, world.loaded.session.id);
    expect(world.ends).toEqual([]);
    await world.clock.advance(SECOND);
    expect(world.ends).toEqual(['one']);
  });

  it('finds out of a message that got lost', async () => {
    const world = await watching();
    await world.clock.advance(2 * SECOND);
    await (world.store.inner as { close(): Promise<void> }).close();
    await end(world, world.loaded.session.id);
    await world.clock.advance(31 * SECOND);
    expect(world.ends).toEqual(['one']);
  });

  it('tells at the end of the lifetime', async () => {
    const world = await watching({ options: { session: { idleTimeout: 10 } } });
    await world.clock.advance(10 * SECOND);
    expect(world.ends).toEqual(['one']);
  });

  it('goes on while the session is used', async () => {
    const world = await watching({ options: { session: { idleTimeout: 100 } } });
    await world.clock.advance(60 * SECOND);
    world.repository.touch(world.loaded);
    await world.repository.settled();
    await world.clock.advance(60 * SECOND);
    expect(world.ends).toEqual([]);
    await world.clock.advance(60 * SECOND);
    expect(world.ends).toEqual(['one']);
  });

  it('takes trouble with the store for no end', async () => {
    const world = await watching({ tells: false });
    world.store.fail('get');
    await world.clock.advance(10 * SECOND);
    expect(world.ends).toEqual([]);
    world.store.heal('get');
    await end(world, world.loaded.session.id);
    await world.clock.advance(2 * SECOND);
    expect(world.ends).toEqual(['one']);
  });

  it('does not go on past the absolute lifetime while the store is away', async () => {
    const world = await watching({ options: { session: { idleTimeout: 60, absoluteLifetime: 60 } } });
    world.store.fail('get');
    await world.clock.advance(59 * SECOND);
    expect(world.ends).toEqual([]);
    await world.clock.advance(2 * SECOND);
    expect(world.ends).toEqual(['one']);
  });

  it('tells everybody else of the end when one of them stops at it', async () => {
    const world = await watching();
    const stop = world.watch.watch(world.loaded.session, () => stop());
    world.watch.watch(world.loaded.session, () => world.ends.push('last'));
    await end(world, world.loaded.session.id);
    stop();
    expect(world.ends).toEqual(['one', 'last']);
  });

  it('leaves a new watch of the session alone when one stops that was told of its end', async () => {
    const world = await watching({ tells: false });
    await end(world, world.loaded.session.id);
    await world.clock.advance(SECOND);
    world.watch.watch(world.loaded.session, () => world.ends.push('again'));
    world.stop();
    await world.clock.advance(SECOND);
    expect(world.ends).toEqual(['one', 'again']);
  });

  it('asks nothing for a watch that stops at once', async () => {
    const world = await watching();
    world.stop();
    const reads = world.store.count('get');
    world.watch.watch(world.loaded.session, () => world.ends.push('other'))();
    await world.clock.advance(HOUR);
    expect(world.ends).toEqual([]);
    expect(world.store.count('get')).toBe(reads);
  });

  it('asks no more once everybody has stopped while the store was being asked', async () => {
    const world = await watching({ tells: false });
    world.store.before('get', () => world.stop());
    await world.clock.advance(SECOND);
    const reads = world.store.count('get');
    await world.clock.advance(HOUR);
    expect(world.store.count('get')).toBe(reads);
  });

  it('takes what is no session of this library for one that has ended', async () => {
    const world = await watching();
    const reads = world.store.count('get');
    world.watch.watch({ ...world.loaded.session, id: 'a copy' }, () => world.ends.push('copy'));
    await world.clock.advance(0);
    expect(world.ends).toEqual(['copy']);
    expect(world.store.count('get')).toBe(reads);
  });

  it('takes a session that cannot be read here for one that has ended', async () => {
    const world = given();
    const { session } = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    const other = given({ secret: OLDER_SECRET }, world.clock, world.store.inner);
    const watch = new SessionWatch(other.clock, other.store.inner, other.repository);
    const ends: string[] = [];
    watch.watch(session, () => ends.push('one'));
    await other.clock.advance(0);
    expect(ends).toEqual(['one']);
  });

  it('tells nobody who has stopped, and asks nothing then', async () => {
    const world = await watching({ tells: false });
    world.stop();
    const reads = world.store.count('get');
    await end(world, world.loaded.session.id);
    await world.clock.advance(HOUR);
    expect(world.ends).toEqual([]);
    expect(world.store.count('get')).toBe(reads);
  });

  it('tells nobody after it was closed', async () => {
    const world = await watching();
    world.watch.close();
    await end(world, world.loaded.session.id);
    await world.clock.advance(DAY);
    expect(world.ends).toEqual([]);
  });
});
