import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../lib/common/errors.js';
import { randomToken } from '../../lib/common/random.js';
import type { ProviderService } from '../../lib/provider/provider.service.js';
import { Revocations } from '../../lib/provider/revocations.js';
import { SessionDirectory } from '../../lib/session/session-directory.js';
import { SessionService, type RequestWithCookies } from '../../lib/session/session.service.js';
import { OLDER_SECRET, SECRET, type Loose } from '../options/valid-options.js';
import { CLAIMS, given, HOUR, MINUTE, requestWith, tokenSet } from './given.js';

async function loggedIn(options: Loose = {}) {
  const world = given(options);
  const revoked: string[] = [];
  const revoke = async (refreshToken: string): Promise<boolean> => revoked.push(refreshToken) > 0;
  const provider = { revoke } as unknown as ProviderService;
  const logIn = async (sub = 'alice', device = {}) => {
    const loaded = await world.repository.create({ ...CLAIMS, sub }, tokenSet(world.clock.now()), device);
    await directory.enter(loaded.session, world.clock.now());
    return loaded;
  };
  const directory = new SessionDirectory(world.options, world.repository);
  const revocations = new Revocations(provider, world.events);
  const sessions = new SessionService(world.options, world.repository, world.events, directory, revocations);
  const loaded = await logIn();
  return { ...world, loaded, sessions, directory, revoked, logIn, request: requestWith(loaded.token) };
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

    it('leaves nothing on the request that somebody else could see', async () => {
      const { sessions, request, loaded } = await loggedIn();
      await sessions.find(request);
      expect(Reflect.ownKeys(request)).toEqual(['headers']);
      expect(inspect(Object.assign(request, { headers: {} }), { depth: 10, showHidden: true })).not.toContain(
        loaded.token,
      );
    });

    it('is not mistaken for the session of another application in the same process', async () => {
      const [one, other] = [await loggedIn(), await loggedIn()];
      expect(await one.sessions.find(one.request)).toEqual(one.loaded.session);
      expect(await other.sessions.find(one.request)).toBeUndefined();
      other.sessions.remember(one.request, other.loaded);
      expect(await one.sessions.find(one.request)).toEqual(one.loaded.session);
    });

    it.each([
      ['no cookie', {}],
      ['another cookie', { cookie: 'sid=x' }],
      ['a malformed cookie', { cookie: '__Host-sid=../../etc/passwd' }],
    ])('asks no store about a request with %s [SES-05] [SES-08]', async (_what, headers) => {
      const { sessions, store } = await loggedIn();
      expect(await sessions.find({ headers })).toBeUndefined();
      expect(store.count('get')).toBe(0);
    });

    it('finds no session where the cookie comes twice, asks no store, and tells [COK-05]', async () => {
      const { sessions, store, listened, loaded } = await loggedIn();
      const headers = { cookie: `__Host-sid=${loaded.token}; __Host-sid=${randomToken()}` };
      expect(await sessions.find({ headers })).toBeUndefined();
      expect(store.count('get')).toBe(0);
      expect(listened).toEqual([{ name: 'session.duplicate_cookie' }]);
    });

    it('tells trouble with the store from absence [SES-13]', async () => {
      const { sessions, request, store } = await loggedIn();
      store.fail('get');
      await expect(sessions.find(request)).rejects.toThrow(StoreUnavailableError);
    });
  });

  describe.each([
    ['nothing', undefined],
    ['null', null],
    ['the id of a session', 'a-session-id'],
    ['an object that is neither', { sub: 'alice' }],
  ])('given %s in the place of a request or a session', (_what, source) => {
    const refusal = /^This is neither a request nor a Session of this library: .+ may be none\.$/u;
    const asked = source as unknown as RequestWithCookies;

    it.each(['find', 'end', 'load', 'loadReadable'] as const)('says so from %s', async (method) => {
      const { sessions, store } = await loggedIn();
      const answer = (async () => sessions[method](asked))();
      await expect(answer).rejects.toThrow(TypeError);
      await expect(answer).rejects.toThrow(refusal);
      expect(store.count('get')).toBe(0);
    });
  });

  it.each([undefined, null, 'a-session-id'])('remembers nothing about %p, and says so', async (source) => {
    const { sessions, loaded } = await loggedIn();
    expect(() => sessions.remember(source as unknown as RequestWithCookies, loaded)).toThrow(
      'neither a request nor a Session',
    );
  });

  describe('end', () => {
    it('ends the session in the store, and for the rest of the request', async () => {
      const { sessions, request, repository, loaded, listened } = await loggedIn();
      expect(await sessions.end(request)).toBe(true);
      expect(await sessions.find(request)).toBeUndefined();
      expect(await repository.load(loaded.token)).toBeUndefined();
      expect(listened).toEqual([{ name: 'session.ended', session: loaded.session.id, cause: 'logout' }]);
    });

    it('revokes the refresh token at the provider [LGO-07]', async () => {
      const { sessions, request, revoked } = await loggedIn();
      await sessions.end(request);
      expect(revoked).toEqual(['RT-1']);
    });

    it('revokes the refresh token that came with a refresh meanwhile, not the spent one', async () => {
      const { sessions, request, repository, loaded, revoked, clock } = await loggedIn();
      await sessions.find(request);
      const { stored } = repository.withTokens(loaded, tokenSet(clock.now(), { refreshToken: 'RT-2' }));
      await repository.replace(loaded.session.id, stored, 'another process');
      expect(await sessions.end(request)).toBe(true);
      expect(await repository.load(loaded.token)).toBeUndefined();
      expect(revoked).toEqual(['RT-2']);
    });

    it('can be tried again when the store could not be reached', async () => {
      const { sessions, request, repository, loaded, store } = await loggedIn();
      store.fail('delete');
      await expect(sessions.end(request)).rejects.toThrow(StoreUnavailableError);
      expect(await sessions.find(request)).toEqual(loaded.session);
      store.heal('delete');
      expect(await sessions.end(request)).toBe(true);
      expect(await repository.load(loaded.token)).toBeUndefined();
    });

    it('is not taken back by a refresh that was under way', async () => {
      const { sessions, request, loaded } = await loggedIn();
      await sessions.end(request);
      sessions.remember(request, loaded);
      expect(await sessions.find(request)).toBeUndefined();
    });

    it('ends a session whose tokens are damaged, too', async () => {
      const { sessions, request, loaded, revoked, store } = await loggedIn();
      const stored = await store.get(loaded.session.id);
      const data = Buffer.from(stored?.data ?? []);
      // In the text of the sealed tokens, before the seal itself, which the head vouches for.
      data.writeUInt8(data.readUInt8(data.length - 20) ^ 1, data.length - 20);
      if (stored) await store.create(loaded.session.id, { ...stored, data });
      expect(await sessions.end(request)).toBe(true);
      expect(revoked).toEqual([]);
    });

    it('leaves the refresh token alone where the application says so', async () => {
      const { sessions, request, revoked } = await loggedIn({ logout: { revokeTokens: false } });
      await sessions.end(request);
      expect(revoked).toEqual([]);
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

  describe('a session that another secret has sealed', () => {
    it('is not found, and not ended', async () => {
      const { sessions, request, clock, store } = await loggedIn();
      const other = given({ secret: OLDER_SECRET }, clock, store.inner);
      const directory = new SessionDirectory(other.options, other.repository);
      const elsewhere = new SessionService(other.options, other.repository, other.events, directory, {} as Revocations);
      expect(await elsewhere.find({ ...request })).toBeUndefined();
      expect(await elsewhere.end({ ...request })).toBe(false);
      expect(await sessions.find(request)).toBeDefined();
    });
  });

  describe('administration [SES-09]', () => {
    it('lists the sessions of a user that are alive, the newest first', async () => {
      const { sessions, logIn, loaded, clock, repository } = await loggedIn();
      await clock.advance(MINUTE);
      const phone = await logIn('alice', { address: '192.0.2.7', agent: 'Lynx' });
      const ended = await logIn();
      await repository.end(ended.session.id, 'logout');
      await logIn('bob');
      await clock.advance(HOUR);
      repository.touch(loaded);
      await repository.settled();
      const now = clock.now();
      expect(await sessions.list('alice')).toEqual([
        {
          id: phone.session.id,
          createdAt: now - HOUR,
          lastSeenAt: now - HOUR,
          expiresAt: phone.session.expiresAt,
          address: '192.0.2.7',
          agent: 'Lynx',
        },
        {
          id: loaded.session.id,
          createdAt: now - HOUR - MINUTE,
          lastSeenAt: now,
          expiresAt: loaded.session.expiresAt + HOUR + MINUTE,
        },
      ]);
      expect(await sessions.list('nobody')).toEqual([]);
    });

    it('keeps the directory free of sessions that are gone, once somebody looks', async () => {
      const { sessions, directory, loaded, repository } = await loggedIn();
      await repository.end(loaded.session.id, 'logout');
      expect(await directory.ofUser('alice')).toHaveLength(1);
      await sessions.list('alice');
      expect(await directory.ofUser('alice')).toHaveLength(0);
    });

    it('still knows where a session came from after a refresh', async () => {
      const { sessions, logIn, repository, clock } = await loggedIn();
      const loaded = await logIn('carol', { agent: 'Lynx' });
      const { stored } = repository.withTokens(loaded, tokenSet(clock.now(), { accessToken: 'AT-2' }));
      await repository.replace(loaded.session.id, stored, 'owner');
      expect(await sessions.list('carol')).toMatchObject([{ id: loaded.session.id, agent: 'Lynx' }]);
    });

    it('lists what processes with other first secrets have made, as long as they share one', async () => {
      const { clock, store, loaded } = await loggedIn({ secret: [SECRET, OLDER_SECRET] });
      const other = given({ secret: OLDER_SECRET }, clock, store.inner);
      const directory = new SessionDirectory(other.options, other.repository);
      expect(await directory.ofUser('alice')).toEqual([{ id: loaded.session.id, issuedAt: clock.now() }]);
    });

    it('leaves a session in the directory that it cannot read: another process can', async () => {
      const { clock, store, loaded } = await loggedIn({ secret: [SECRET, OLDER_SECRET] });
      const other = given({ secret: OLDER_SECRET }, clock, store.inner);
      const directory = new SessionDirectory(other.options, other.repository);
      expect(await directory.summaries('alice')).toEqual([]);
      expect(await directory.ofUser('alice')).toEqual([{ id: loaded.session.id, issuedAt: clock.now() }]);
    });

    it('ends one session of a user, and no other', async () => {
      const { sessions, logIn, loaded, repository, listened } = await loggedIn();
      const other = await logIn();
      expect(await sessions.endOne('alice', loaded.session.id)).toBe(true);
      expect(await sessions.endOne('alice', loaded.session.id)).toBe(false);
      expect(await repository.load(loaded.token)).toBeUndefined();
      expect(await repository.load(other.token)).toBeDefined();
      expect(listened).toEqual([{ name: 'session.ended', session: loaded.session.id, cause: 'administration' }]);
    });

    it('does not end another user’s session', async () => {
      const { sessions, logIn, repository } = await loggedIn();
      const bob = await logIn('bob');
      expect(await sessions.endOne('alice', bob.session.id)).toBe(false);
      expect(await repository.load(bob.token)).toBeDefined();
    });

    it('ends all others, or all', async () => {
      const { sessions, logIn, loaded, repository } = await loggedIn();
      const [second, bob] = [await logIn(), await logIn('bob')];
      await logIn();
      expect(await sessions.endOthers(second.session)).toBe(2);
      expect(await repository.load(loaded.token)).toBeUndefined();
      expect(await repository.load(second.token)).toBeDefined();
      expect(await sessions.endAll('alice')).toBe(1);
      expect(await repository.load(second.token)).toBeUndefined();
      expect(await repository.load(bob.token)).toBeDefined();
    });

    it.each(['members', 'delete'] as const)('tells when the store does not answer: %s', async (method) => {
      const { sessions, store } = await loggedIn();
      store.fail(method);
      await expect(sessions.endAll('alice')).rejects.toThrow(StoreUnavailableError);
    });
  });
});
