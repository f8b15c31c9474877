import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../lib/common/errors.js';
import { randomToken } from '../../lib/common/random.js';
import { SessionService } from '../../lib/session/session.service.js';
import { CLAIMS, given, requestWith, tokenSet } from './given.js';

async function loggedIn() {
  const world = given();
  const loaded = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
  const sessions = new SessionService(world.options, world.repository, world.events);
  return { ...world, loaded, sessions, request: requestWith(loaded.token) };
}

describe('SessionService', () => {
  describe('find', () => {
    it('finds the session of the request’s cookie', async () => {
      const { sessions, request, loaded } = await loggedIn();
      expect(await sessions.find(request)).toEqual(loaded.session);
    });

    it('reads the store once for a request, however often it is asked', async () => {
      const { sessions, request, store } = await loggedIn();
      await Promise.all([sessions.find(request), sessions.find(request), sessions.load(request)]);
      await sessions.find(request);
      expect(store.count('get')).toBe(1);
    });

    it('reads the store again for the next request', async () => {
      const { sessions, loaded, store } = await loggedIn();
      await sessions.find(requestWith(loaded.token));
      await sessions.find(requestWith(loaded.token));
      expect(store.count('get')).toBe(2);
    });

    it('takes Fastify’s request and the raw request in it for one', async () => {
      const { sessions, request: raw, store } = await loggedIn();
      const wrapper = { headers: raw.headers, raw };
      expect(await sessions.find(wrapper)).toBe(await sessions.find(raw));
      await sessions.end(wrapper);
      expect(await sessions.find(raw)).toBeUndefined();
      expect(store.count('get')).toBe(1);
    });

    it.each([
      ['no cookie', {}],
      ['another cookie', { cookie: 'sid=x' }],
      ['a malformed cookie', { cookie: '__Host-sid=../../etc/passwd' }],
    ])('asks no store about a request with %s', async (_what, headers) => {
      const { sessions, store } = await loggedIn();
      expect(await sessions.find({ headers })).toBeUndefined();
      expect(store.calls).toEqual(['create']);
    });

    it('finds no session where the cookie comes twice, asks no store, and tells', async () => {
      const { sessions, store, listened, loaded } = await loggedIn();
      const headers = { cookie: `__Host-sid=${loaded.token}; __Host-sid=${randomToken()}` };
      expect(await sessions.find({ headers })).toBeUndefined();
      expect(store.count('get')).toBe(0);
      expect(listened).toEqual([{ name: 'session.duplicate_cookie' }]);
    });

    it('tells trouble with the store from absence', async () => {
      const { sessions, request, store } = await loggedIn();
      store.fail('get');
      await expect(sessions.find(request)).rejects.toThrow(StoreUnavailableError);
    });
  });

  describe('end', () => {
    it('ends the session in the store, and for the rest of the request', async () => {
      const { sessions, request, repository, loaded, listened } = await loggedIn();
      expect(await sessions.end(request)).toBe(true);
      expect(await sessions.find(request)).toBeUndefined();
      expect(await repository.load(loaded.token)).toBeUndefined();
      expect(listened).toEqual([{ name: 'session.ended', session: loaded.session.id, cause: 'logout' }]);
    });

    it('answers that there was none', async () => {
      const { sessions, store } = await loggedIn();
      expect(await sessions.end({ headers: {} })).toBe(false);
      expect(store.count('delete')).toBe(0);
    });

    it('tells when the session may still be there', async () => {
      const { sessions, request, store } = await loggedIn();
      store.fail('delete');
      await expect(sessions.end(request)).rejects.toThrow(StoreUnavailableError);
    });
  });

  it('goes on with what it is told to remember', async () => {
    const { sessions, request, repository, loaded, clock } = await loggedIn();
    const { next } = repository.withTokens(loaded, tokenSet(clock.now(), { accessToken: 'AT-2' }));
    sessions.remember(request, next);
    expect(await sessions.load(request)).toBe(next);
  });
});
