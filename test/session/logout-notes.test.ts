import { describe, expect, it } from '@jest/globals';
import { LogoutNotes, type Newborn } from '../../lib/session/logout-notes.js';
import { given, MINUTE, SECOND } from './given.js';

function noting() {
  const world = given();
  return { ...world, notes: new LogoutNotes(world.options, world.repository, world.clock) };
}

type World = ReturnType<typeof noting>;

/** A login whose tokens were issued and asked for so long before (or, below 0, after) this moment. */
function login({ clock }: World, { issued, asked }: { issued: number; asked: number }): Newborn {
  const now = clock.now();
  return { sub: 'alice', sid: 'op-session', issuedAt: now - issued, askedAt: now - asked };
}

const BOTH = { sub: 'alice', sid: 'op-session' };
const USER = { sub: 'alice', sid: undefined };
const PROVIDER_SESSION = { sub: undefined, sid: 'op-session' };

describe('LogoutNotes', () => {
  it.each([
    ['of the user', USER],
    ['of the session at the provider', PROVIDER_SESSION],
    ['of the user in that session', BOTH],
  ])('concern a login that was under way when a logout %s arrived [BCL-09]', async (_what, target) => {
    const world = noting();
    await world.notes.add(target, world.clock.now());
    expect(await world.notes.concern(login(world, { issued: 0, asked: 1 }))).toBe(true);
    expect(await world.notes.concern(login(world, { issued: SECOND, asked: 1 }))).toBe(true);
  });

  it.each([
    ['another user', { sub: 'bob', sid: undefined }],
    ['another session at the provider', { sub: undefined, sid: 'other' }],
    ['the user in another session', { sub: 'alice', sid: 'other' }],
    ['another user in that session', { sub: 'bob', sid: 'op-session' }],
    ['a user whose sub is our sid', { sub: 'op-session', sid: undefined }],
    ['a session whose sid is our sub', { sub: undefined, sid: 'alice' }],
  ])('do not concern a login when the logout was about %s [BCL-07]', async (_what, target) => {
    const world = noting();
    await world.notes.add(target, world.clock.now());
    expect(await world.notes.concern(login(world, { issued: 0, asked: 1 }))).toBe(false);
  });

  it.each([USER, PROVIDER_SESSION, BOTH])(
    'leave a login alone that began after the logout: %p [BCL-10]',
    async (target) => {
      const world = noting();
      await world.notes.add(target, world.clock.now());
      await world.clock.advance(10);
      expect(await world.notes.concern(login(world, { issued: 10, asked: 5 }))).toBe(false);
      expect(await world.notes.concern(login(world, { issued: 0, asked: 5 }))).toBe(false);
    },
  );

  it('leave a login alone that the provider issued after a logout that arrived late [BCL-10]', async () => {
    const world = noting();
    await world.notes.add(USER, world.clock.now() - MINUTE);
    expect(await world.notes.concern(login(world, { issued: 30 * SECOND, asked: 31 * SECOND }))).toBe(false);
    expect(await world.notes.concern(login(world, { issued: 61 * SECOND, asked: 31 * SECOND }))).toBe(true);
  });

  it('concern whatever was under way in a session at the provider that has ended, whatever its clocks say', async () => {
    const world = noting();
    await world.notes.add(PROVIDER_SESSION, world.clock.now() - MINUTE);
    expect(await world.notes.concern(login(world, { issued: -SECOND, asked: 1 }))).toBe(true);
  });

  it('concern no login without a sid by a sid', async () => {
    const world = noting();
    await world.notes.add(PROVIDER_SESSION, world.clock.now());
    expect(await world.notes.concern({ ...login(world, { issued: 0, asked: 1 }), sid: undefined })).toBe(false);
  });

  it('are kept as long as a login may take, and not longer', async () => {
    const world = noting();
    const lifetime = (world.options.login.lifetime + world.options.idToken.clockTolerance) * SECOND;
    await world.notes.add(USER, world.clock.now());
    const newborn = login(world, { issued: 1, asked: 1 });
    await world.clock.advance(lifetime - 1);
    expect(await world.notes.concern(newborn)).toBe(true);
    await world.clock.advance(1);
    expect(await world.notes.concern(newborn)).toBe(false);
  });

  it('know a logout token that was acted upon for longer than it is accepted [BCL-10]', async () => {
    const world = noting();
    expect(await world.notes.isReplay('jti-1')).toBe(false);
    await world.notes.actedUpon('jti-1');
    expect(await world.notes.isReplay('jti-1')).toBe(true);
    expect(await world.notes.isReplay('jti-2')).toBe(false);
    await world.clock.advance(5 * MINUTE + 2 * 60 * SECOND);
    expect(await world.notes.isReplay('jti-1')).toBe(true);
    await world.clock.advance(3 * MINUTE);
    expect(await world.notes.isReplay('jti-1')).toBe(false);
  });
});
