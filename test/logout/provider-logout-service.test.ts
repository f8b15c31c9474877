import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../lib/common/errors.js';
import { ProviderLogoutService } from '../../lib/logout/provider-logout.service.js';
import type { LogoutToken, LogoutTokenValidator } from '../../lib/provider/logout-token.js';
import { LogoutNotes } from '../../lib/session/logout-notes.js';
import { SessionDirectory } from '../../lib/session/session-directory.js';
import { CLAIMS, given, SECOND, tokenSet } from '../session/given.js';

async function loggedIn() {
  const world = given();
  const directory = new SessionDirectory(world.options, world.repository);
  const notes = new LogoutNotes(world.options, world.repository, world.clock);
  let token: LogoutToken | undefined;
  const validator = { validate: async () => token } as unknown as LogoutTokenValidator;
  const service = new ProviderLogoutService(world.options, validator, notes, directory, world.repository, world.events);
  let count = 0;
  const logIn = async (identity: { sub?: string; sid?: string | undefined } = {}) => {
    const { sid, ...claims } = { ...CLAIMS, ...identity };
    const loaded = await world.repository.create(
      { ...claims, ...(sid === undefined ? {} : { sid }) },
      tokenSet(world.clock.now()),
    );
    await directory.enter(loaded.session, world.clock.now());
    return { isThere: async () => (await world.repository.load(loaded.token)) !== undefined };
  };
  /** What the provider says: a new token, issued now, unless told otherwise. */
  const tell = async (change: Partial<LogoutToken>): Promise<void> => {
    count += 1;
    token = { sub: undefined, sid: undefined, jti: `jti-${count}`, issuedAt: world.clock.now(), ...change };
    await service.backChannel('the logout token');
  };
  return { ...world, service, notes, logIn, tell };
}

describe('ProviderLogoutService', () => {
  describe('back-channel', () => {
    it('ends the sessions of a sid, and tells how many [BCL-06]', async () => {
      const { logIn, tell, listened } = await loggedIn();
      const [one, two, other] = [await logIn(), await logIn(), await logIn({ sid: 'other' })];
      await tell({ sid: 'op-session' });
      expect([await one.isThere(), await two.isThere(), await other.isThere()]).toEqual([false, false, true]);
      expect(listened.at(-1)).toEqual({ name: 'logout.back_channel', sessions: 2 });
      expect(listened[0]).toMatchObject({ name: 'session.ended', cause: 'back_channel_logout' });
    });

    it('ends every session of a sub, with a sid or without [BCL-06]', async () => {
      const { logIn, tell } = await loggedIn();
      const [one, two, bob] = [await logIn(), await logIn({ sid: undefined }), await logIn({ sub: 'bob' })];
      await tell({ sub: 'alice' });
      expect([await one.isThere(), await two.isThere(), await bob.isThere()]).toEqual([false, false, true]);
    });

    it('ends only sessions of both where both are named [BCL-06]', async () => {
      const { logIn, tell } = await loggedIn();
      const [both, otherSid, otherSub] = [
        await logIn(),
        await logIn({ sid: 'other' }),
        await logIn({ sub: 'bob', sid: 'op-session' }),
      ];
      await tell({ sub: 'alice', sid: 'op-session' });
      expect([await both.isThere(), await otherSid.isThere(), await otherSub.isThere()]).toEqual([false, true, true]);
    });

    it.each([
      ['a sid that is somebody’s sub', { sid: 'alice' }],
      ['a sub that is somebody’s sid', { sub: 'op-session' }],
      ['nobody we know', { sub: 'mallory', sid: 'unknown' }],
    ])('does nothing, and that is fine, for %s [BCL-07]', async (_what, change) => {
      const { logIn, tell, listened } = await loggedIn();
      const one = await logIn();
      await tell(change);
      expect(await one.isThere()).toBe(true);
      expect(listened.at(-1)).toEqual({ name: 'logout.back_channel', sessions: 0 });
    });

    it('leaves a session of the user alone that began after the logout [BCL-10]', async () => {
      const { logIn, tell, clock } = await loggedIn();
      const issuedAt = clock.now();
      const before = await logIn();
      await clock.advance(SECOND);
      const after = await logIn();
      await tell({ sub: 'alice', issuedAt });
      expect([await before.isThere(), await after.isThere()]).toEqual([false, true]);
    });

    it('does nothing with a token that comes again [BCL-10]', async () => {
      const { logIn, tell, listened } = await loggedIn();
      const before = await logIn();
      await tell({ sid: 'op-session', jti: 'once' });
      const after = await logIn();
      await tell({ sid: 'op-session', jti: 'once' });
      expect([await before.isThere(), await after.isThere()]).toEqual([false, true]);
      expect(listened.at(-1)).toEqual({ name: 'logout.replayed' });
    });

    it.each(['addMember', 'members', 'delete'] as const)(
      'acts upon the same token again when the store failed half way: %s',
      async (method) => {
        const { logIn, tell, store } = await loggedIn();
        const one = await logIn();
        store.fail(method);
        await expect(tell({ sid: 'op-session', jti: 'once' })).rejects.toThrow(StoreUnavailableError);
        store.heal(method);
        await tell({ sid: 'op-session', jti: 'once' });
        expect(await one.isThere()).toBe(false);
      },
    );

    it('leaves a note for logins under way before it looks for sessions [BCL-09]', async () => {
      const { logIn, tell, store, notes, clock } = await loggedIn();
      await logIn();
      const newborn = { sub: 'alice', sid: undefined, issuedAt: clock.now(), askedAt: clock.now() };
      let concerned: boolean | undefined;
      store.before('delete', async () => (concerned = await notes.concern(newborn)));
      await tell({ sub: 'alice' });
      expect(concerned).toBe(true);
    });
  });

  describe('front-channel', () => {
    it('ends the sessions of the issuer’s sid [FCL-01]', async () => {
      const { service, options, logIn, listened } = await loggedIn();
      const [one, other] = [await logIn(), await logIn({ sid: 'other' })];
      await service.frontChannel(options.issuer, 'op-session');
      expect([await one.isThere(), await other.isThere()]).toEqual([false, true]);
      expect(listened.at(-1)).toEqual({ name: 'logout.front_channel', sessions: 1 });
    });

    it('does nothing for another issuer’s [FCL-01]', async () => {
      const { service, logIn } = await loggedIn();
      const one = await logIn();
      await service.frontChannel('https://other.example', 'op-session');
      expect(await one.isThere()).toBe(true);
    });
  });
});
