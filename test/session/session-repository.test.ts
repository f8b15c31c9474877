import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../lib/common/errors.js';
import { SessionRepository } from '../../lib/session/session-repository.js';
import type { LoadedSession, Loading } from '../../lib/session/session.js';
import { MemorySessionStore } from '../../lib/store/memory-session-store.js';
import type { SessionStore, StoredSession } from '../../lib/store/session-store.js';
import { OLDER_SECRET, SECRET } from '../options/valid-options.js';
import { deferred } from '../common/deferred.js';
import { CLAIMS, DAY, given, HOUR, MINUTE, SECOND, tokenSet, type Given } from './given.js';

async function login(
  { repository, clock }: Given,
  changes: Parameters<typeof tokenSet>[1] = {},
): Promise<LoadedSession> {
  return repository.create(CLAIMS, tokenSet(clock.now(), changes));
}

/** What a request does: load, then touch. */
async function request({ repository }: Given, token: string): Promise<LoadedSession | undefined> {
  const loaded = await repository.load(token);
  if (loaded) repository.touch(loaded);
  await repository.settled();
  return loaded;
}

async function quietly(loading: Loading): Promise<void> {
  await Promise.resolve(loading).catch(() => undefined);
}

describe('SessionRepository', () => {
  describe('create', () => {
    it('makes a session of generation 1 that can be loaded with its token', async () => {
      const world = given();
      const created = await login(world);
      const loaded = await world.repository.load(created.token);
      expect(loaded?.session).toEqual(created.session);
      expect(loaded?.generation).toBe(1);
      expect(loaded?.tokens().accessToken).toBe('AT-1');
    });

    it('leaves open when the access token expires and what it was granted, where the provider did not say', async () => {
      const world = given();
      const { token } = await login(world, { expiresAt: undefined, scope: undefined });
      const loaded = await world.repository.load(token);
      expect(loaded?.session).toMatchObject({ accessTokenExpiresAt: undefined, scope: undefined });
      expect(Object.keys(loaded?.head.accessToken ?? {}).toSorted()).toEqual(['issuedAt', 'refreshable']);
    });

    it('gives every session a token of its own [SES-01]', async () => {
      const world = given();
      expect((await login(world)).token).not.toBe((await login(world)).token);
    });

    it('keeps neither token nor claims readable in the store [SES-02]', async () => {
      const world = given();
      const { token, session } = await login(world);
      const stored = await world.store.get(session.id);
      expect(session.id).not.toBe(token);
      expect(Buffer.from(stored?.data ?? []).includes(token)).toBe(false);
      expect(Buffer.from(stored?.data ?? []).includes('alice')).toBe(false);
    });
  });

  describe('load', () => {
    it('asks the store once for requests that come together, and gives each its own session', async () => {
      const world = given();
      const { token } = await login(world);
      const loaded = await Promise.all(Array.from({ length: 5 }, () => world.repository.load(token)));
      expect(world.store.count('get')).toBe(1);
      expect(loaded.map((one) => one?.tokens().accessToken)).toEqual(Array.from({ length: 5 }, () => 'AT-1'));
      expect(new Set(loaded.map((one) => one?.session)).size).toBe(5);
      expect(new Set(loaded.map((one) => one?.session.claims)).size).toBe(5);
    });

    it('asks again for a request that comes while another one waits for the store: a logout may lie between', async () => {
      const world = given();
      const { token, session } = await login(world);
      const answered = deferred();
      world.store.before('get', () => answered.promise);
      const first = world.repository.load(token);
      await world.repository.end(session.id, 'logout');
      expect(await world.repository.load(token)).toBeUndefined();
      answered.resolve();
      expect(await first).toBeUndefined();
    });

    it('tells each of them of an outage, and nobody that the session has ended', async () => {
      const world = given();
      const { token } = await login(world);
      world.store.fail('get');
      const answers = await Promise.allSettled([1, 2, 3].map(() => world.repository.load(token)));
      for (const answer of answers) expect(answer).toMatchObject({ reason: expect.any(StoreUnavailableError) });
      expect(world.names()).toEqual(['store.unavailable']);
      world.store.heal('get');
      expect(await world.repository.load(token)).toBeDefined();
    });

    it('finds no session under a token that was never issued', async () => {
      expect(await given().repository.load('x'.repeat(43))).toBeUndefined();
    });

    it.each(['', 'duplicate', 'x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)}+`, `${'x'.repeat(42)}é`])(
      'asks the store for nothing that this library cannot have issued: %j [SES-05]',
      async (token) => {
        const world = given();
        expect(await world.repository.load(token)).toBeUndefined();
        expect(world.store.calls).toEqual([]);
      },
    );

    it('does not read a session that is of another secret, leaves it where it is and tells', async () => {
      const one = given({ secret: OLDER_SECRET });
      const { token, session } = await login(one);
      const other = given({}, one.clock, one.store.inner);
      await expect(other.repository.load(token)).rejects.toMatchObject({ detail: 'session_unreadable' });
      expect(other.listened).toEqual([{ name: 'session.unreadable', session: session.id, reason: 'unknown_key' }]);
      expect(await one.repository.load(token)).toBeDefined();
    });

    it('finds a session of an older secret while both are configured', async () => {
      const one = given({ secret: OLDER_SECRET });
      const { token } = await login(one);
      const other = given({ secret: [SECRET, OLDER_SECRET] }, one.clock, one.store.inner);
      expect((await other.repository.load(token))?.session.sub).toBe('alice');
    });

    it('does not read a session that a newer version has written, and leaves it where it is', async () => {
      const world = given();
      const { token, session } = await login(world);
      const stored = await world.store.get(session.id);
      const data = Buffer.from(stored?.data ?? []);
      data.writeUInt8(99, 8);
      await world.store.create(session.id, { ...stored, data } as StoredSession);
      await expect(world.repository.load(token)).rejects.toMatchObject({ detail: 'session_unreadable' });
      expect(world.listened).toEqual([{ name: 'session.unreadable', session: session.id, reason: 'unknown_version' }]);
      expect(world.store.count('delete')).toBe(0);
    });

    it.each(['head', 'tokens'])(
      'finds no session whose %s is corrupt, removes it and tells, once [SES-07]',
      async (part) => {
        const world = given();
        const { token, session } = await login(world);
        const stored = await world.store.get(session.id);
        const data = Buffer.from(stored?.data ?? []);
        const position = part === 'head' ? 30 : data.length - 1;
        data.writeUInt8(data.readUInt8(position) ^ 1, position);
        await world.store.create(session.id, { ...stored, data } as StoredSession);
        expect(await world.repository.load(token)).toBeUndefined();
        expect(await world.repository.load(token)).toBeUndefined();
        expect(world.listened).toEqual([
          { name: 'session.unreadable', session: session.id, reason: 'corrupt' },
          { name: 'session.ended', session: session.id, cause: 'corrupt' },
        ]);
        expect(await world.store.get(session.id)).toBeUndefined();
      },
    );

    it('finds no session past its expiry in a store that has not removed it', async () => {
      const world = given();
      const { token, session } = await login(world);
      const stored = await world.store.get(session.id);
      const lazy = given({}, world.clock, { get: async () => stored } as unknown as SessionStore);
      expect(await lazy.repository.load(token)).toBeDefined();
      await world.clock.advance(DAY);
      expect(await lazy.repository.load(token)).toBeUndefined();
    });
  });

  it('never lets a session live beyond its absolute end, whatever a late touch has told the store [SES-03] [SES-14]', async () => {
    const world = given();
    const before = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    await world.clock.advance(2 * MINUTE);
    const latestEnd = world.clock.now() + 5 * MINUTE;
    const { stored } = world.repository.withTokens(before, tokenSet(world.clock.now()), latestEnd);
    await world.repository.lock(before, 'owner', 5000);
    expect(await world.repository.replace(before.session.id, stored, 'owner')).toBe('written');
    world.repository.touch(before);
    await world.repository.settled();
    const shortened = await world.repository.load(before.token);
    expect([shortened?.session.expiresAt, shortened?.session.absoluteExpiresAt]).toEqual([latestEnd, latestEnd]);
    await world.clock.advance(5 * MINUTE);
    expect(await world.repository.load(before.token)).toBeUndefined();
  });

  describe('lifetimes', () => {
    it('end a session after the idle timeout [SES-03]', async () => {
      const world = given({ session: { idleTimeout: 3600 } });
      const { token } = await login(world);
      await world.clock.advance(HOUR - 1);
      expect(await world.repository.load(token)).toBeDefined();
      await world.clock.advance(1);
      expect(await world.repository.load(token)).toBeUndefined();
    });

    it('keep a session that is used', async () => {
      const world = given({ session: { idleTimeout: 3600 } });
      const { token } = await login(world);
      for (let turn = 0; turn < 10; turn += 1) {
        await world.clock.advance(50 * MINUTE);
        expect(await request(world, token)).toBeDefined();
      }
    });

    it('end a session at its absolute lifetime, however much it is used [SES-03]', async () => {
      const world = given({ session: { idleTimeout: 3600, absoluteLifetime: 7200 } });
      const { token, session } = await login(world);
      const started = world.clock.now();
      expect(session.absoluteExpiresAt).toBe(started + 2 * HOUR);
      for (let minute = 1; minute < 120; minute += 1) {
        await world.clock.advance(MINUTE);
        const loaded = await request(world, token);
        expect(loaded?.session.expiresAt).toBeLessThanOrEqual(started + 2 * HOUR);
      }
      await world.clock.advance(MINUTE);
      expect(await world.repository.load(token)).toBeUndefined();
    });

    it('end a session with its refresh token, where the provider states that', async () => {
      const world = given();
      const { token, session } = await login(world, { refreshTokenExpiresAt: world.clock.now() + 30 * MINUTE });
      expect(session.expiresAt).toBe(world.clock.now() + 30 * MINUTE);
      await world.clock.advance(20 * MINUTE);
      expect((await request(world, token))?.session.expiresAt).toBe(session.expiresAt);
      await world.clock.advance(10 * MINUTE);
      expect(await world.repository.load(token)).toBeUndefined();
    });

    it('are not extended beyond the absolute lifetime by a refresh [SES-03] [REF-09]', async () => {
      const world = given({ session: { idleTimeout: 3600, absoluteLifetime: 7200 } });
      const loaded = await login(world);
      await world.clock.advance(50 * MINUTE);
      await request(world, loaded.token);
      await world.clock.advance(50 * MINUTE);
      const { next, stored } = world.repository.withTokens(loaded, tokenSet(world.clock.now()));
      // The store is told, too: it gives up the record then.
      expect([next.session.expiresAt, stored.expiresAt]).toEqual(Array(2).fill(loaded.session.absoluteExpiresAt));
      expect(next.session.absoluteExpiresAt).toBe(loaded.session.absoluteExpiresAt);
    });
  });

  describe('touch', () => {
    it('slides the idle timeout at most once a minute when that is long', async () => {
      const world = given();
      const { token } = await login(world);
      await world.clock.advance(59 * SECOND);
      await request(world, token);
      expect(world.store.count('touch')).toBe(0);
      await world.clock.advance(SECOND);
      await request(world, token);
      await request(world, token);
      expect(world.store.count('touch')).toBe(1);
    });

    it('slides a short idle timeout every tenth of it', async () => {
      const world = given({ session: { idleTimeout: 100 } });
      const { token } = await login(world);
      await world.clock.advance(9 * SECOND);
      await request(world, token);
      expect(world.store.count('touch')).toBe(0);
      await world.clock.advance(SECOND);
      await request(world, token);
      expect(world.store.count('touch')).toBe(1);
    });

    it('goes on when the clock is set back, and not for each request', async () => {
      const world = given();
      const { token } = await login(world);
      await world.clock.advance(-HOUR);
      await request(world, token);
      await world.repository.settled();
      await request(world, token);
      expect(world.store.count('touch')).toBe(1);
    });

    it('moves expiry and last use, and nothing else', async () => {
      const world = given();
      const { token, session } = await login(world);
      const before = await world.store.get(session.id);
      await world.clock.advance(HOUR);
      await request(world, token);
      const after = await world.store.get(session.id);
      expect(after).toEqual({
        ...before,
        expiresAt: (before?.expiresAt ?? 0) + HOUR,
        lastSeenAt: (before?.lastSeenAt ?? 0) + HOUR,
      });
    });

    it('is sent once for requests that come together', async () => {
      const world = given();
      const loaded = await login(world);
      await world.clock.advance(HOUR);
      for (let turn = 0; turn < 50; turn += 1) world.repository.touch(loaded);
      await world.repository.settled();
      expect(world.store.count('touch')).toBe(1);
    });

    it('is not waited for', async () => {
      const world = given();
      const loaded = await login(world);
      await world.clock.advance(HOUR);
      world.store.before('touch', () => new Promise(() => undefined));
      expect(world.repository.touch(loaded)).toBeUndefined();
    });

    it('does no harm when it fails, and is tried again', async () => {
      const world = given();
      const loaded = await login(world);
      await world.clock.advance(HOUR);
      world.store.fail('touch');
      world.repository.touch(loaded);
      await world.repository.settled();
      world.store.heal('touch');
      world.repository.touch(loaded);
      await world.repository.settled();
      expect(world.store.count('touch')).toBe(2);
      expect(world.names()).toEqual(['store.unavailable', 'store.available']);
    });

    it('does not bring back a session that has ended [SES-04] [REF-08]', async () => {
      const world = given();
      const loaded = await login(world);
      await world.clock.advance(HOUR);
      await world.repository.end(loaded.session.id, 'logout');
      world.repository.touch(loaded);
      await world.repository.settled();
      expect(await world.repository.load(loaded.token)).toBeUndefined();
    });
  });

  describe('replace', () => {
    it('writes the next generation', async () => {
      const world = given();
      const loaded = await login(world);
      const { next, stored } = world.repository.withTokens(
        loaded,
        tokenSet(world.clock.now(), { accessToken: 'AT-2' }),
      );
      expect(await world.repository.replace(loaded.session.id, stored, 'owner')).toBe('written');
      const current = await world.repository.load(loaded.token);
      expect(current?.generation).toBe(2);
      expect(current?.session).toEqual(next.session);
      expect(current?.tokens().accessToken).toBe('AT-2');
    });

    it('writes nothing over a generation that it did not read [REF-02]', async () => {
      const world = given();
      const loaded = await login(world);
      const { stored } = world.repository.withTokens(loaded, tokenSet(world.clock.now()));
      await world.repository.replace(loaded.session.id, stored, 'owner');
      expect(await world.repository.replace(loaded.session.id, stored, 'owner')).toBe('moved');
    });
  });

  describe('end', () => {
    it('ends a session, and tells once why', async () => {
      const world = given();
      const { session, token } = await login(world);
      expect(await world.repository.end(session.id, 'logout')).toBe(true);
      expect(await world.repository.end(session.id, 'logout')).toBe(false);
      expect(await world.repository.load(token)).toBeUndefined();
      expect(world.listened).toEqual([{ name: 'session.ended', session: session.id, cause: 'logout' }]);
    });

    it('ends a session of one generation only where it is told which', async () => {
      const world = given();
      const { session, token } = await login(world);
      expect(await world.repository.end(session.id, 'refresh_refused', 2)).toBe(false);
      expect(await world.repository.load(token)).toBeDefined();
      expect(world.listened).toEqual([]);
    });
  });

  describe('when the store fails', () => {
    it.each([
      ['get', ({ repository }: Given) => repository.load('x'.repeat(43))],
      ['create', login],
      ['delete', ({ repository }: Given) => repository.end('id', 'logout')],
      ['markUsed', ({ repository, clock }: Given) => repository.markUsed('key', clock.now() + 1)],
      ['unlock', ({ repository }: Given) => repository.unlock('id', 'owner')],
    ] as const)('tells trouble from absence: %s', async (method, call) => {
      const world = given();
      world.store.fail(method);
      await expect(call(world)).rejects.toThrow(StoreUnavailableError);
    });

    it.each(['lock', 'replace'] as const)('tells trouble from absence: %s', async (method) => {
      const world = given();
      const loaded = await login(world);
      world.store.fail(method);
      const { stored } = world.repository.withTokens(loaded, tokenSet(world.clock.now()));
      const call =
        method === 'lock'
          ? world.repository.lock(loaded, 'owner', SECOND)
          : world.repository.replace(loaded.session.id, stored, 'owner');
      await expect(call).rejects.toThrow(StoreUnavailableError);
    });

    it('answers at once where the store does', async () => {
      const { options, clock, events } = given();
      const repository = new SessionRepository(options, new MemorySessionStore({}, clock), clock, events);
      const { token, session } = await repository.create(CLAIMS, tokenSet(clock.now()));
      expect(repository.load(token)).toMatchObject({ session });
      await clock.advance(2 * DAY);
      expect(await repository.load(token)).toBeUndefined();
    });

    it('takes a store that throws at once for one that rejects', async () => {
      const { options, clock, events } = given();
      const get = (): Promise<undefined> => {
        throw new TypeError('not connected');
      };
      const repository = new SessionRepository(options, { get } as unknown as SessionStore, clock, events);
      await expect(repository.load('x'.repeat(43))).rejects.toThrow(StoreUnavailableError);
    });

    it('tells of the end of an outage when the store answers at once again', async () => {
      const { options, clock, events, listened } = given();
      const answers = [
        () => undefined,
        (): undefined => {
          throw new TypeError('not connected');
        },
        () => undefined,
      ];
      const get = (): undefined => answers.shift()?.();
      const repository = new SessionRepository(options, { get } as unknown as SessionStore, clock, events);
      for (let turn = 0; turn < 3; turn += 1) await quietly(repository.load('x'.repeat(43)));
      expect(listened.map(({ name }) => name)).toEqual(['store.unavailable', 'store.available']);
    });

    it('logs an outage once, and its end', async () => {
      const world = given();
      const { token } = await login(world);
      world.store.fail('get');
      for (let turn = 0; turn < 5; turn += 1) await quietly(world.repository.load(token));
      world.store.heal('get');
      for (let turn = 0; turn < 5; turn += 1) await world.repository.load(token);
      world.store.fail('get');
      await quietly(world.repository.load(token));
      expect(world.listened).toEqual([
        { name: 'store.unavailable', reason: 'Error' },
        { name: 'store.available' },
        { name: 'store.unavailable', reason: 'Error' },
      ]);
    });

    it('keeps the text of the store’s error out of the event', async () => {
      const world = given();
      world.store.before('get', () => Promise.reject(new TypeError('redis://user:password@host')));
      await quietly(world.repository.load('x'.repeat(43)));
      expect(world.listened).toEqual([{ name: 'store.unavailable', reason: 'TypeError' }]);
    });

    it('calls it unknown when the store rejects with something that is no error', async () => {
      const world = given();
      // oxlint-disable-next-line prefer-promise-reject-errors
      world.store.before('get', () => Promise.reject('text'));
      await quietly(world.repository.load('x'.repeat(43)));
      expect(world.listened).toEqual([{ name: 'store.unavailable', reason: 'unknown' }]);
    });
  });
});
