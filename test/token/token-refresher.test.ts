import { describe, expect, it } from '@jest/globals';
import { LoginRequiredError } from '../../lib/common/errors.js';
import { IdTokenInvalidError, ProviderUnreachableError } from '../../lib/provider/provider-errors.js';
import type { LoadedSession } from '../../lib/session/session.js';
import { RefreshUnavailableError } from '../../lib/token/token-errors.js';
import { CLAIMS, given, HOUR, MINUTE, requestWith, SECOND, tokenSet } from '../session/given.js';
import { gate } from '../support/gate.js';
import { inTime, loggedIn, type Process } from './world.js';

const CROWD = 50;

/** Many requests on one process, all at once. */
function crowd({ accessToken }: Process, size = CROWD): Promise<string[]> {
  return Promise.all(Array.from({ length: size }, accessToken));
}

function transient(reason = 'timeout', retryAfterMs?: number) {
  return { outcome: 'transient', reason, retryAfterMs } as const;
}

describe('a refresh', () => {
  it('is one for 50 requests that meet an expired token [REF-01]', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    expect(new Set(await crowd(world))).toEqual(new Set(['AT-2']));
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('is one for 50 requests on two processes [REF-01]', async () => {
    const world = await loggedIn();
    const other = world.another();
    await world.becomeExpired();
    world.provider.latencyMs = 300;
    const answers = await inTime(world.clock, Promise.all([crowd(world, 25), crowd(other, 25)]));
    expect(new Set(answers.flat())).toEqual(new Set(['AT-2']));
    expect(world.provider.presented).toEqual(['RT-1']);
    expect(other.names()).toContain('refresh.adopted');
  });

  it('presents each refresh token once, from generation to generation [REF-01]', async () => {
    const world = await loggedIn();
    const other = world.another();
    for (let hour = 0; hour < 5; hour += 1) {
      await world.becomeExpired();
      await inTime(world.clock, Promise.all([crowd(world, 5), crowd(other, 5)]));
    }
    expect(world.provider.presented).toEqual(['RT-1', 'RT-2', 'RT-3', 'RT-4', 'RT-5']);
    expect((await world.load()).generation).toBe(6);
  });

  it('is for the session that asks, and for no other [REF-12]', async () => {
    const world = await loggedIn();
    const bob = await world.repository.create(
      { ...CLAIMS, sub: 'bob' },
      tokenSet(world.clock.now(), { accessToken: 'AT-bob', refreshToken: 'RT-bob' }),
    );
    await world.becomeExpired();
    world.provider.script.push({
      outcome: 'refreshed',
      tokens: tokenSet(world.clock.now(), { accessToken: 'AT-alice' }),
    });
    expect(await world.accessToken()).toBe('AT-alice');
    expect((await world.repository.load(bob.token))?.tokens().accessToken).toBe('AT-bob');
  });

  it('tells the provider who the tokens were issued to', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    await world.accessToken();
    expect(world.provider.identities).toEqual([
      { sub: 'alice', authTime: CLAIMS['auth_time'], azp: 'app', nonce: 'n-1' },
    ]);
  });

  it('is not sent when somebody else has done it between the read and the lock [REF-01]', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const stale = await world.load();
    await world.another().accessToken();
    const outcome = await world.refresher.refresh(stale);
    expect(outcome).toMatchObject({ status: 'usable', loaded: { generation: 2 } });
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('leaves no lock behind when it was not needed', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const stale = await world.load();
    const other = world.another();
    await other.accessToken();
    await world.refresher.refresh(stale);
    expect(await other.repository.lock(stale, 'someone', SECOND)).toMatchObject({ acquired: true });
  });

  it('goes on from the newest tokens when those have expired as well meanwhile', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const stale = await world.load();
    await world.another().accessToken();
    await world.becomeExpired();
    expect(await world.refresher.refresh(stale)).toMatchObject({ status: 'usable', loaded: { generation: 3 } });
    expect(world.provider.presented).toEqual(['RT-1', 'RT-2']);
  });

  it('finds out that the session has ended', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const stale = await world.load();
    await world.repository.end(stale.session.id, 'logout');
    expect(await world.refresher.refresh(stale)).toEqual({ status: 'ended', elsewhere: true });
    expect(world.provider.presented).toEqual([]);
  });

  it('leaves no lock on a session that a newer version has written', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const stale = await world.load();
    const newer = given({ secret: 'Zz8_newer-secret-0f-another-version-Qx1' }, world.clock, world.store.inner);
    const foreign = newer.repository.withTokens(stale, tokenSet(world.clock.now()));
    await world.store.replace(stale.session.id, foreign.stored, 1, '');
    const outcome = await world.refresher.refresh(stale);
    expect(outcome).toMatchObject({ status: 'unavailable', reason: 'session_unreadable' });
    expect(await newer.repository.lock(foreign.next, 'newer', SECOND)).toMatchObject({ acquired: true });
  });

  it('does not end with the request that began it', async () => {
    const world = await loggedIn({ refresh: { waitTimeout: 1 } });
    await world.becomeExpired();
    world.provider.latencyMs = 5 * SECOND;
    await expect(inTime(world.clock, world.accessToken())).rejects.toThrow(RefreshUnavailableError);
    await world.clock.advance(5 * SECOND);
    expect(await world.accessToken()).toBe('AT-2');
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('tells what it did', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.latencyMs = 300;
    await inTime(world.clock, crowd(world, 3));
    const { id: session } = world.loaded.session;
    expect(world.listened).toEqual([
      { name: 'refresh.shared', session },
      { name: 'refresh.shared', session },
      { name: 'refresh.succeeded', session, durationMs: 300 },
    ]);
  });

  it('extends the session by the idle timeout, and never beyond its absolute lifetime [REF-09]', async () => {
    const world = await loggedIn({ session: { idleTimeout: 7200, absoluteLifetime: 10_800 } });
    await world.becomeExpired();
    await world.accessToken();
    expect((await world.load()).session.expiresAt).toBe(world.clock.now() + 2 * HOUR);
    await world.becomeExpired();
    await world.accessToken();
    expect((await world.load()).session.expiresAt).toBe(world.loaded.session.absoluteExpiresAt);
  });
});

describe('what the provider leaves out of a refresh', () => {
  async function refreshed(changes: Parameters<typeof tokenSet>[1]) {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(() => world.provider.rotated(changes));
    await world.accessToken();
    return (await world.load()).tokens();
  }

  it('is kept: refresh token, ID token and scope [REF-03]', async () => {
    const tokens = await refreshed({ refreshToken: undefined, idToken: undefined, scope: undefined });
    expect(tokens).toMatchObject({
      accessToken: 'AT-2',
      refreshToken: 'RT-1',
      idToken: 'IT-1',
      scope: 'openid offline_access',
    });
  });

  it('is replaced where it is there', async () => {
    const tokens = await refreshed({ refreshToken: 'RT-9', idToken: 'IT-9', scope: 'openid' });
    expect(tokens).toMatchObject({ refreshToken: 'RT-9', idToken: 'IT-9', scope: 'openid' });
  });

  it('is kept of the refresh token’s own lifetime while the refresh token is the same', async () => {
    const refreshTokenExpiresAt = Date.UTC(2026, 0, 1) + 5 * HOUR;
    const world = await loggedIn({}, { refreshTokenExpiresAt });
    await world.becomeExpired();
    world.provider.script.push(() => world.provider.rotated({ refreshToken: undefined }));
    await world.accessToken();
    expect((await world.load()).session.expiresAt).toBe(refreshTokenExpiresAt);
    await world.becomeExpired();
    await world.accessToken();
    expect((await world.load()).tokens().refreshTokenExpiresAt).toBeUndefined();
  });
});

/** At the longest until a refresh begins that nobody waits for. */
const A_MOMENT = 30;

describe('a token that is due', () => {
  it('is refreshed beside the request, which goes on at once with the token there is', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.latencyMs = SECOND;
    expect(await world.accessToken()).toBe('AT-1');
    await world.clock.advance(SECOND + A_MOMENT);
    expect(await world.accessToken()).toBe('AT-2');
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('is refreshed once, however many requests come meanwhile [REF-01]', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.latencyMs = SECOND;
    expect(new Set(await crowd(world))).toEqual(new Set(['AT-1']));
    await world.clock.advance(SECOND);
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('is refreshed a moment later, so that requests which came together are answered first', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    const locks = world.store.count('lock');
    expect(new Set(await crowd(world))).toEqual(new Set(['AT-1']));
    await world.clock.advance(A_MOMENT / 3 - 1);
    expect(world.store.count('lock')).toBe(locks);
    await world.clock.advance(A_MOMENT);
    expect(world.store.count('lock')).toBe(locks + 1);
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('is refreshed for a request that needs the outcome, too', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.latencyMs = SECOND;
    expect(await world.accessToken()).toBe('AT-1');
    const outcome = world.refresher.refresh(await world.load());
    expect(await inTime(world.clock, outcome)).toMatchObject({ status: 'usable', loaded: { generation: 2 } });
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('is waited for where refresh.background is false', async () => {
    const world = await loggedIn({ refresh: { background: false } });
    await world.becomeDue();
    world.provider.latencyMs = SECOND;
    expect(await inTime(world.clock, world.accessToken())).toBe('AT-2');
  });

  it('serves while the provider is away, also where the request waits for it [REF-07]', async () => {
    const world = await loggedIn({ refresh: { background: false } });
    await world.becomeDue();
    world.provider.script.push(transient());
    expect(await world.accessToken()).toBe('AT-1');
  });

  it('serves when the refresh takes longer than a request waits', async () => {
    const world = await loggedIn({ refresh: { background: false, waitTimeout: 1 } });
    await world.becomeDue();
    world.provider.latencyMs = 5 * SECOND;
    expect(await inTime(world.clock, world.accessToken(), 2 * SECOND)).toBe('AT-1');
  });

  it('does not serve beyond its end, however long a request has waited', async () => {
    const world = await loggedIn({ refresh: { background: false, waitTimeout: 60 } });
    await world.clock.advance(HOUR - 10 * SECOND);
    world.provider.latencyMs = 2 * MINUTE;
    await expect(inTime(world.clock, world.accessToken())).rejects.toThrow(RefreshUnavailableError);
    expect(await world.loadIfThere()).toBeDefined();
  });

  it('is not refreshed without a refresh token', async () => {
    const world = await loggedIn({}, { refreshToken: undefined });
    await world.becomeDue();
    expect(await world.accessToken()).toBe('AT-1');
    expect(world.provider.presented).toEqual([]);
  });
});

describe('a token that has expired', () => {
  it('is waited for', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.latencyMs = 3 * SECOND;
    expect(await inTime(world.clock, world.accessToken())).toBe('AT-2');
  });

  it('is waited for up to a deadline, and the session is kept [REF-10]', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.latencyMs = MINUTE;
    const started = world.clock.now();
    const failure = await inTime(world.clock, world.accessToken()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RefreshUnavailableError);
    expect(failure).toMatchObject({
      code: 'refresh_transient',
      detail: 'wait_timeout',
      retryAfter: 1,
      statusCode: 503,
    });
    expect(world.clock.now() - started).toBe(10 * SECOND);
    expect(await world.loadIfThere()).toBeDefined();
  });

  it('needs a login where there is no refresh token, and the session is kept', async () => {
    const world = await loggedIn({}, { refreshToken: undefined });
    await world.becomeExpired();
    const failure = await world.accessToken().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LoginRequiredError);
    expect(failure).toMatchObject({ detail: 'access_token_expired' });
    expect(await world.loadIfThere()).toBeDefined();
  });

  it('is no reason to log anybody out when the provider issues tokens that have expired already', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(() => world.provider.rotated({ expiresAt: world.clock.now() }));
    await expect(world.accessToken()).rejects.toThrow(RefreshUnavailableError);
    expect(await world.accessToken()).toBe('AT-3');
  });
});

describe('TokenService', () => {
  it('needs a login where nobody is logged in', async () => {
    const world = await loggedIn();
    await expect(world.tokens.getAccessToken({ headers: {} })).rejects.toThrow(LoginRequiredError);
  });

  it('asks the provider nothing while the token is fresh', async () => {
    const world = await loggedIn();
    expect(await world.accessToken()).toBe('AT-1');
    expect(world.provider.presented).toEqual([]);
    expect(world.store.count('lock')).toBe(0);
  });

  it('goes on within a request with the session as it is after the refresh', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const request = world.request();
    await world.tokens.getAccessToken(request);
    expect(await world.tokens.getAccessToken(request)).toBe('AT-2');
    expect((await world.sessions.load(request))?.generation).toBe(2);
    expect(world.store.count('get')).toBe(1);
  });

  it('knows within a request that the session has ended', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push({ outcome: 'refused' });
    const request = world.request();
    await expect(world.tokens.getAccessToken(request)).rejects.toThrow(LoginRequiredError);
    expect(await world.sessions.find(request)).toBeUndefined();
  });
});

describe('a refresh that another process is at', () => {
  it('is waited for by polling less and less often', async () => {
    const world = await loggedIn();
    const other = world.another();
    await world.becomeExpired();
    world.provider.latencyMs = 5 * SECOND;
    const holder = world.accessToken();
    await world.clock.advance(1);
    const waiter = other.accessToken();
    expect(await inTime(world.clock, Promise.all([holder, waiter]))).toEqual(['AT-2', 'AT-2']);
    expect(other.store.count('lock')).toBeLessThan(90);
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('is adopted soon after it has ended', async () => {
    const world = await loggedIn();
    const other = world.another();
    await world.becomeExpired();
    world.provider.latencyMs = 2 * SECOND;
    void world.accessToken();
    await world.clock.advance(1);
    const started = world.clock.now();
    await inTime(world.clock, other.accessToken());
    expect(world.clock.now() - started).toBeLessThan(2.5 * SECOND);
  });

  it('is waited for up to the deadline, and the session is kept [REF-10]', async () => {
    const world = await loggedIn({ refresh: { waitTimeout: 2 } });
    const other = world.another();
    await world.becomeExpired();
    await world.repository.lock(await world.load(), 'somebody', MINUTE);
    const stale = await other.load();
    const outcome = await inTime(world.clock, other.refresher.refresh(stale));
    expect(outcome).toMatchObject({ status: 'unavailable', code: 'refresh_transient', reason: 'wait_timeout' });
    expect(other.names()).toEqual(['refresh.wait_timeout']);
    expect(world.provider.presented).toEqual([]);
    expect(await world.loadIfThere()).toBeDefined();
  });

  it('is taken over after the lease when the process has died [REF-02]', async () => {
    const world = await loggedIn({ refresh: { waitTimeout: 60 } });
    await world.becomeExpired();
    const started = world.clock.now();
    await world.repository.lock(await world.load(), 'dead process', 15 * SECOND);
    expect(await inTime(world.clock, world.accessToken())).toBe('AT-2');
    expect(world.clock.now() - started).toBeGreaterThanOrEqual(15 * SECOND);
    expect(world.clock.now() - started).toBeLessThan(16 * SECOND);
  });

  it('makes it pause as well when it has failed: the provider hears nothing until the pause is over [REF-07]', async () => {
    const world = await loggedIn();
    const other = world.another();
    await world.becomeExpired();
    world.provider.latencyMs = SECOND;
    world.provider.script.push(transient());
    const holder = world.accessToken().catch((error: unknown) => error);
    await world.clock.advance(1);
    const waiter = other.accessToken().catch((error: unknown) => error);
    expect(await inTime(world.clock, holder)).toBeInstanceOf(RefreshUnavailableError);
    expect(await inTime(world.clock, waiter)).toMatchObject({ code: 'refresh_transient' });
    expect(world.provider.presented).toEqual(['RT-1']);
    await world.clock.advance(2 * SECOND);
    expect(await inTime(world.clock, other.accessToken())).toBe('AT-2');
  });

  it('ends for the waiter when the session does [REF-06]', async () => {
    const world = await loggedIn();
    const other = world.another();
    await world.becomeExpired();
    world.provider.latencyMs = SECOND;
    world.provider.script.push({ outcome: 'refused' });
    const answers = Promise.allSettled([world.accessToken(), other.accessToken()]);
    for (const answer of await inTime(world.clock, answers)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: expect.any(LoginRequiredError) });
    }
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('has a lease longer than the provider’s deadline and the commit [REF-02]', async () => {
    const world = await loggedIn({ provider: { timeout: 3 }, refresh: { lease: 8 } });
    await world.becomeExpired();
    world.provider.script.push(() => new Promise(() => undefined));
    void world.accessToken().catch(() => undefined);
    await world.clock.advance(8 * SECOND - 1);
    const { repository } = world.another();
    expect(await repository.lock(world.loaded, 'other', SECOND)).toMatchObject({ acquired: false });
    await world.clock.advance(1);
    expect(await repository.lock(world.loaded, 'other', SECOND)).toMatchObject({ acquired: true });
  });
});

describe('sessions of other users', () => {
  const tokenOf = ({ tokens }: Process, { token }: LoadedSession) => tokens.getAccessToken(requestWith(token));

  it('do not wait for a refresh that hangs, nor for a lock that is held [REF-10]', async () => {
    const world = await loggedIn();
    const bob = await world.repository.create(
      { ...CLAIMS, sub: 'bob' },
      tokenSet(world.clock.now(), { refreshToken: 'RT-bob' }),
    );
    await world.becomeExpired();
    world.provider.script.push(() => new Promise(() => undefined));
    const hanging = crowd(world).catch((error: unknown) => error);
    const waiting = crowd(world.another()).catch((error: unknown) => error);
    await world.clock.advance(1);
    expect(await tokenOf(world, bob)).toBe('AT-2');
    expect(await tokenOf(world.another(), bob)).toBe('AT-2');
    expect(world.provider.presented).toEqual(['RT-1', 'RT-bob']);
    for (const failure of await inTime(world.clock, Promise.all([hanging, waiting]))) {
      expect(failure).toBeInstanceOf(RefreshUnavailableError);
    }
  });

  it('get their own tokens, however many are refreshed at once in two processes [REF-01] [REF-12]', async () => {
    const world = await loggedIn();
    const processes = [world, world.another()];
    const users = Array.from({ length: 20 }, (_, number) => `user-${number}`);
    const sessions = await Promise.all(
      users.map((sub) =>
        world.repository.create({ ...CLAIMS, sub }, tokenSet(world.clock.now(), { refreshToken: `RT of ${sub}` })),
      ),
    );
    await world.becomeExpired();
    world.provider.latencyMs = 300;
    world.provider.answerEach((refreshToken) => world.provider.rotated({ accessToken: `AT for ${refreshToken}` }));
    const calls = sessions.flatMap((session) => [...processes, ...processes].map((each) => tokenOf(each, session)));
    const tokens = await inTime(world.clock, Promise.all(calls));
    expect(tokens).toEqual(users.flatMap((sub) => Array.from({ length: 4 }, () => `AT for RT of ${sub}`)));
    expect([...world.provider.presented].sort()).toEqual(users.map((sub) => `RT of ${sub}`).sort());
  });
});

describe('a refresh token that the provider refuses', () => {
  it('ends the session, and no other [REF-06]', async () => {
    const world = await loggedIn();
    const bob = await world.repository.create(CLAIMS, tokenSet(world.clock.now()));
    await world.becomeExpired();
    world.provider.script.push({ outcome: 'refused' });
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    expect(await world.loadIfThere()).toBeUndefined();
    expect(await world.repository.load(bob.token)).toBeDefined();
    expect(world.listened).toEqual([
      { name: 'refresh.refused', session: world.loaded.session.id },
      { name: 'session.ended', session: world.loaded.session.id, cause: 'refresh_refused' },
    ]);
  });

  it('is not presented again [REF-06]', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push({ outcome: 'refused' });
    await inTime(world.clock, Promise.allSettled([crowd(world), crowd(world.another())]));
    await world.accessToken().catch(() => undefined);
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('does not end a session that holds another one by now [REF-06]', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const stale = await world.load();
    world.provider.script.push(async () => {
      const { stored } = world.repository.withTokens(stale, tokenSet(world.clock.now(), { accessToken: 'AT-theirs' }));
      await world.repository.replace(stale.session.id, stored, 'another owner');
      return { outcome: 'refused' };
    });
    expect(await world.accessToken()).toBe('AT-theirs');
    expect(world.eventsNamed('session.ended')).toEqual([]);
  });

  it('keeps the session while the store cannot end it', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push({ outcome: 'refused' });
    world.store.fail('delete');
    await expect(world.accessToken()).rejects.toThrow(RefreshUnavailableError);
  });
});

describe('a provider that refuses this client [REF-07]', () => {
  const misconfigured = { outcome: 'misconfigured', reason: 'invalid_client' } as const;

  it('logs nobody out', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(misconfigured);
    const failure = await world.accessToken().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'refresh_misconfigured', detail: 'invalid_client', statusCode: 503 });
    expect(await world.loadIfThere()).toBeDefined();
  });

  it('is not asked again at once, and works again once it is mended', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(misconfigured);
    await Promise.allSettled([crowd(world)]);
    await world.accessToken().catch(() => undefined);
    expect(world.provider.presented).toEqual(['RT-1']);
    await world.clock.advance(2 * SECOND);
    expect(await world.accessToken()).toBe('AT-2');
  });

  it('is logged once, not with every request', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      world.provider.script.push(misconfigured);
      await Promise.allSettled([crowd(world)]);
      await world.clock.advance(MINUTE);
    }
    expect(world.provider.presented).toHaveLength(5);
    expect(world.eventsNamed('refresh.misconfigured')).toHaveLength(1);
  });

  it('is logged again when it happens again after it was mended', async () => {
    const world = await loggedIn();
    for (let time = 0; time < 2; time += 1) {
      await world.becomeExpired();
      world.provider.script.push(misconfigured);
      await world.accessToken().catch(() => undefined);
      await world.clock.advance(MINUTE);
      await world.accessToken();
    }
    expect(world.eventsNamed('refresh.misconfigured')).toHaveLength(2);
  });
});

describe('a provider that is away [REF-07]', () => {
  it('logs nobody out', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(transient());
    const failure = await world.accessToken().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'refresh_transient', detail: 'timeout', statusCode: 503 });
    expect(await world.loadIfThere()).toBeDefined();
    expect(world.names()).toEqual(['refresh.transient']);
  });

  it('is not asked before the cool-down is over', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(transient(), transient());
    await world.accessToken().catch(() => undefined);
    for (let tenth = 0; tenth < 8; tenth += 1) {
      await world.clock.advance(100);
      await expect(world.accessToken()).rejects.toThrow(RefreshUnavailableError);
    }
    expect(world.provider.presented).toHaveLength(1);
    await world.clock.advance(400);
    await world.accessToken().catch(() => undefined);
    expect(world.provider.presented).toHaveLength(2);
  });

  it('is not asked before its Retry-After is over, for any session', async () => {
    const world = await loggedIn();
    const bob = await world.repository.create(CLAIMS, tokenSet(world.clock.now(), { refreshToken: 'RT-bob' }));
    await world.becomeExpired();
    world.provider.script.push(transient('http_429', 30 * SECOND));
    const failure = await world.accessToken().catch((error: unknown) => error);
    expect(failure).toMatchObject({ retryAfter: 30 });
    await world.clock.advance(30 * SECOND - 1);
    const bobsRequest = { headers: { cookie: `__Host-sid=${bob.token}` } };
    await expect(world.accessToken()).rejects.toMatchObject({ retryAfter: 1, detail: 'http_429' });
    await expect(world.tokens.getAccessToken(bobsRequest)).rejects.toMatchObject({ detail: 'http_429' });
    expect(world.provider.presented).toEqual(['RT-1']);
    await world.clock.advance(1);
    expect(await world.accessToken()).toBe('AT-2');
    expect(await world.tokens.getAccessToken(bobsRequest)).toBe('AT-3');
  });

  it('works again by itself, and a token that is due has served all the while', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.script.push(transient(), transient());
    for (let second = 0; second < 10; second += 1) {
      expect(await world.accessToken()).toMatch(/^AT-[12]$/u);
      await world.clock.advance(SECOND);
    }
    expect(await world.accessToken()).toBe('AT-2');
    expect(world.provider.presented).toEqual(['RT-1', 'RT-1', 'RT-1']);
  });

  it('takes no lock while its metadata cannot be fetched', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.prepared = () => Promise.reject(new ProviderUnreachableError('ECONNREFUSED'));
    const failure = await world.accessToken().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'refresh_transient', detail: 'ECONNREFUSED' });
    expect(world.store.count('lock')).toBe(0);
    expect(world.provider.presented).toEqual([]);
  });

  it('logs nobody out with an answer that nobody expected', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(() => {
      throw new TypeError('a bug');
    });
    await expect(world.accessToken()).rejects.toMatchObject({ code: 'refresh_transient', detail: 'unexpected' });
    expect(world.listened).toEqual([
      { name: 'refresh.transient', session: world.loaded.session.id, reason: 'unexpected' },
    ]);
    expect(await world.loadIfThere()).toBeDefined();
  });
});

describe('a provider that wants the user [REF-07]', () => {
  const wanted = { outcome: 'user_required', reason: 'interaction_required' } as const;

  it('gets the user when the token has expired; the session stays until the new one', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(wanted);
    const failure = await world.accessToken().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LoginRequiredError);
    expect(failure).toMatchObject({ detail: 'interaction_required' });
    expect(await world.loadIfThere()).toBeDefined();
    expect(world.provider.revoked).toEqual([]);
    await world.clock.advance(2 * SECOND);
    expect(await world.accessToken()).toBe('AT-2');
  });

  it('is not waited for while the token is good', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.script.push(wanted);
    expect(await world.accessToken()).toBe('AT-1');
    await world.clock.advance(SECOND);
    expect(world.names()).toContain('refresh.transient');
    expect(await world.accessToken()).toBe('AT-1');
  });

  it.each([wanted, { outcome: 'transient', reason: 'http_400', retryAfterMs: undefined, reached: true } as const])(
    'is there for others, however often it says so: %j',
    async (answer) => {
      const world = await loggedIn();
      const tokens = tokenSet(world.clock.now());
      const others = await Promise.all(Array.from({ length: 8 }, () => world.repository.create(CLAIMS, tokens)));
      await world.becomeExpired();
      for (const { token } of others) {
        world.provider.script.push(answer);
        const asking = world.tokens.getAccessToken({ headers: { cookie: `__Host-sid=${token}` } });
        await expect(asking).rejects.toThrow();
      }
      expect(await world.accessToken()).toBe('AT-2');
    },
  );
});

describe('tokens that were issued to somebody else [REF-05]', () => {
  it('end the session, and are revoked', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push({ outcome: 'identity_rejected', reason: 'sub', refreshToken: 'RT-mallory' });
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    await world.revocations.drain();
    expect(await world.loadIfThere()).toBeUndefined();
    expect(world.provider.revoked).toEqual(['RT-mallory']);
    expect(world.listened).toEqual([
      { name: 'refresh.identity_rejected', session: world.loaded.session.id, reason: 'sub' },
      { name: 'session.ended', session: world.loaded.session.id, cause: 'subject_changed' },
    ]);
  });
});

describe('a refreshed ID token that says that the session is over [SES-14]', () => {
  it('ends it, and the new tokens are revoked', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const sessionExpiresAt = world.clock.now();
    const tokens = tokenSet(sessionExpiresAt, { idToken: 'IT-2' });
    world.provider.script.push({ outcome: 'refreshed', tokens, sessionExpiresAt });
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    await world.revocations.drain();
    expect(await world.loadIfThere()).toBeUndefined();
    expect(world.provider.revoked).toEqual([tokenSet(0).refreshToken]);
    expect(world.listened).toContainEqual({
      name: 'session.ended',
      session: world.loaded.session.id,
      cause: 'session_expiry',
    });
  });
});

describe('a refreshed ID token that says so, and', () => {
  async function told(error: Error) {
    const world = await loggedIn();
    await world.becomeExpired();
    const now = world.clock.now();
    world.provider.verify = async () => {
      throw error;
    };
    world.provider.script.push({
      outcome: 'refreshed',
      tokens: tokenSet(now, { accessToken: 'AT-2', idToken: 'IT-2' }),
      sessionExpiresAt: now,
    });
    return world;
  }

  it('cannot be verified now ends nothing', async () => {
    const world = await told(new ProviderUnreachableError('timeout'));
    expect(await world.accessToken()).toBe('AT-2');
    expect(await world.loadIfThere()).toBeDefined();
  });

  it('is forged is told as a forgery [REF-05]', async () => {
    const world = await told(new IdTokenInvalidError('signature'));
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    expect(world.eventsNamed('refresh.identity_rejected')).toHaveLength(1);
  });
});

describe('a refreshed scope [REF-11]', () => {
  it.each([
    ['with something new', 'orders:read users:read', 1],
    ['with something else', 'users:read', 1],
    ['as it was, in another order', 'orders:write orders:read', 0],
    ['with less', 'orders:read', 0],
    ['left out', undefined, 0],
  ])('%s is what the access token may do, and is told where it grew', async (_, scope, told) => {
    const world = await loggedIn({}, { scope: 'orders:read orders:write' });
    await world.becomeExpired();
    world.provider.script.push(() => world.provider.rotated({ scope }));
    await world.accessToken();
    expect((await world.load()).session.scope).toBe(scope ?? 'orders:read orders:write');
    expect(world.eventsNamed('refresh.scope_widened')).toEqual(
      Array.from({ length: told }, () => ({ name: 'refresh.scope_widened', session: world.loaded.session.id })),
    );
  });
});

describe('a refreshed ID token', () => {
  const withIdToken = async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(() => world.provider.rotated({ idToken: 'IT-2' }));
    return world;
  };

  it('is verified after the new refresh token is safe in the store [REF-03]', async () => {
    const world = await withIdToken();
    let generation = 0;
    world.provider.verify = async () => void (generation = (await world.load()).generation);
    expect(await world.accessToken()).toBe('AT-2');
    expect(generation).toBe(2);
    expect(world.provider.verified).toEqual(['IT-2']);
  });

  it('that is forged ends the session, and the new refresh token is revoked [REF-05]', async () => {
    const world = await withIdToken();
    world.provider.verify = () => Promise.reject(new IdTokenInvalidError('signature'));
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    await world.revocations.drain();
    expect(await world.loadIfThere()).toBeUndefined();
    expect(world.provider.revoked).toEqual(['RT-2']);
    expect(world.listened).toContainEqual({
      name: 'refresh.identity_rejected',
      session: world.loaded.session.id,
      reason: 'signature',
    });
  });

  it.each([
    new ProviderUnreachableError('keys'),
    new IdTokenInvalidError('key'),
    new IdTokenInvalidError('exp'),
    new IdTokenInvalidError('iat'),
    new IdTokenInvalidError('nbf'),
  ])('that cannot be verified now proves nothing: %j', async (trouble) => {
    const world = await withIdToken();
    world.provider.verify = () => Promise.reject(trouble);
    expect(await world.accessToken()).toBe('AT-2');
    expect((await world.load()).tokens()).toMatchObject({ refreshToken: 'RT-2', idToken: 'IT-2' });
  });

  it('is verified also while the store is away; a forged one is not written later', async () => {
    const world = await withIdToken();
    world.store.fail('replace');
    world.provider.verify = () => Promise.reject(new IdTokenInvalidError('signature'));
    await world.accessToken().catch(() => undefined);
    await world.revocations.drain();
    expect(world.provider.revoked).toEqual(['RT-2']);
    world.store.heal('replace');
    await world.clock.advance(MINUTE);
    expect((await world.loadIfThere())?.generation ?? 1).toBe(1);
  });

  it.each<[string, 'before' | 'after']>([
    ['the store has not got', 'before'],
    ['the store has, and could not say so', 'after'],
  ])('that is forged ends the session also with a commit that %s', async (_, when) => {
    const world = await withIdToken();
    world.store.fail('replace', when);
    world.provider.verify = async () => {
      world.store.heal('replace');
      throw new IdTokenInvalidError('signature');
    };
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    expect(await world.loadIfThere()).toBeUndefined();
    await world.clock.advance(MINUTE);
    expect(await world.loadIfThere()).toBeUndefined();
    expect(world.provider.presented).toEqual(['RT-1']);
  });

  it('that is forged ends the session also with a commit that the store takes meanwhile', async () => {
    const world = await withIdToken();
    const { id } = world.loaded.session;
    world.store.fail('replace');
    world.provider.verify = () => Promise.reject(new IdTokenInvalidError('signature'));
    world.store.before('delete', () => {
      // The first attempt to end it finds the generation before; the commit comes between it and the next.
      world.store.before('delete', async () => {
        const { stored } = world.repository.withTokens(world.loaded, tokenSet(world.clock.now(), { idToken: 'IT-2' }));
        await world.store.inner.replace(id, stored, 1, 'late');
      });
    });
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    expect(await world.loadIfThere()).toBeUndefined();
  });

  it('of somebody else’s refresh is theirs to verify', async () => {
    const world = await withIdToken();
    const stale = await world.load();
    world.store.before('replace', async () => {
      const theirs = tokenSet(world.clock.now(), { accessToken: 'AT-theirs', idToken: 'IT-theirs' });
      await world.store.inner.replace(stale.session.id, world.repository.withTokens(stale, theirs).stored, 1, 'other');
    });
    expect(await world.accessToken()).toBe('AT-theirs');
    expect(world.provider.verified).toEqual([]);
  });
});

describe('the commit of a refresh', () => {
  it('comes before the new access token is used: the new refresh token is in the store by then [REF-03]', async () => {
    const world = await loggedIn();
    const { passed, open } = gate();
    await world.becomeExpired();
    world.store.before('replace', () => passed);
    const answers: string[] = [];
    const waiting = crowd(world, 5).then((tokens) => answers.push(...tokens));
    await world.clock.advance(SECOND);
    expect(world.provider.presented).toEqual(['RT-1']);
    expect(answers).toEqual([]);
    open();
    await waiting;
    expect(new Set(answers)).toEqual(new Set(['AT-2']));
    expect((await world.load()).tokens()).toMatchObject({ accessToken: 'AT-2', refreshToken: 'RT-2' });
  });

  it('writes nothing when the user has logged out meanwhile, and the new refresh token is revoked [REF-08]', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(async () => {
      await world.repository.end(world.loaded.session.id, 'logout');
      return world.provider.rotated();
    });
    await expect(world.accessToken()).rejects.toThrow(LoginRequiredError);
    await world.revocations.drain();
    expect(world.provider.revoked).toEqual(['RT-2']);
    await world.clock.advance(HOUR);
    expect(await world.loadIfThere()).toBeUndefined();
    expect(world.store.count('create')).toBe(0);
  });

  it('writes although the lock was lost, as long as nobody else has written', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.provider.script.push(async () => {
      await world.clock.advance(20 * SECOND);
      await world.repository.lock(await world.load(), 'another owner', MINUTE);
      return world.provider.rotated();
    });
    const outcome = await world.refresher.refresh(await world.load());
    expect(outcome).toMatchObject({ status: 'usable', loaded: { generation: 2 } });
    expect((await world.load()).tokens().refreshToken).toBe('RT-2');
  });

  it('uses theirs when somebody else has written meanwhile [REF-02]', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    const stale = await world.load();
    world.provider.script.push(async () => {
      const theirs = tokenSet(world.clock.now(), { accessToken: 'AT-theirs', refreshToken: 'RT-theirs' });
      await world.store.inner.replace(stale.session.id, world.repository.withTokens(stale, theirs).stored, 1, 'other');
      return world.provider.rotated();
    });
    expect(await world.accessToken()).toBe('AT-theirs');
    expect((await world.load()).tokens().refreshToken).toBe('RT-theirs');
  });

  it('releases the lock', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    await world.accessToken();
    expect(await world.repository.lock(await world.load(), 'other', SECOND)).toMatchObject({ acquired: true });
    expect(world.store.count('unlock')).toBe(0);
  });
});

describe('a store that fails', () => {
  it('at the lock logs nobody out, and the provider is not asked', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.store.fail('lock');
    await expect(world.accessToken()).rejects.toMatchObject({ code: 'refresh_transient', detail: 'store_unavailable' });
    expect(world.provider.presented).toEqual([]);
    world.store.heal('lock');
    await world.clock.advance(2 * SECOND);
    expect(await world.accessToken()).toBe('AT-2');
  });

  it('at the unlock changes nothing about the outcome', async () => {
    const world = await loggedIn({ refresh: { lease: 15 } });
    await world.becomeExpired();
    const stale = await world.load();
    world.store.fail('unlock');
    world.provider.script.push({ outcome: 'misconfigured', reason: 'invalid_client' });
    await expect(world.accessToken()).rejects.toMatchObject({ code: 'refresh_misconfigured' });
    await world.clock.advance(20 * SECOND);
    await world.another().accessToken();
    expect(await world.refresher.refresh(stale)).toMatchObject({ status: 'usable', loaded: { generation: 2 } });
  });

  describe('at the commit', () => {
    it('is made up for: requests are served from memory, and the outcome is written when the store is back', async () => {
      const world = await loggedIn();
      await world.becomeExpired();
      world.store.fail('replace');
      expect(await world.accessToken()).toBe('AT-2');
      expect((await world.load()).generation).toBe(1);
      await world.clock.advance(10 * SECOND);
      expect(new Set(await crowd(world))).toEqual(new Set(['AT-2']));
      world.store.heal('replace');
      await world.clock.advance(2 * SECOND);
      expect((await world.load()).tokens()).toMatchObject({ accessToken: 'AT-2', refreshToken: 'RT-2' });
      expect(world.provider.presented).toEqual(['RT-1']);
      expect(world.eventsNamed('refresh.commit_retried').length).toBeGreaterThan(3);
    });

    it('is made up for also when the write has arrived and the answer got lost', async () => {
      const world = await loggedIn();
      await world.becomeExpired();
      world.store.fail('replace', 'after');
      expect(await world.accessToken()).toBe('AT-2');
      world.store.heal('replace');
      await world.clock.advance(2 * SECOND);
      expect(await world.load()).toMatchObject({ generation: 2 });
      expect(await world.accessToken()).toBe('AT-2');
      expect(world.provider.presented).toEqual(['RT-1']);
      expect(world.provider.revoked).toEqual([]);
    });

    it('is not tried too often, and never given up while the session lives', async () => {
      const world = await loggedIn();
      await world.becomeExpired();
      world.store.fail('replace');
      await world.accessToken();
      await world.clock.advance(10 * MINUTE);
      expect(world.store.count('replace')).toBeGreaterThan(1000);
      expect(world.store.count('replace')).toBeLessThan(1400);
      world.store.heal('replace');
      await world.clock.advance(2 * SECOND);
      expect((await world.load()).generation).toBe(2);
    });

    it('revokes the new refresh token when the user logs out before the store is back [REF-08]', async () => {
      const world = await loggedIn();
      await world.becomeExpired();
      world.store.fail('replace');
      await world.accessToken();
      await world.repository.end(world.loaded.session.id, 'logout');
      world.store.heal('replace');
      await world.clock.advance(2 * SECOND);
      await world.revocations.drain();
      expect(world.provider.revoked).toEqual(['RT-2']);
      expect(await world.loadIfThere()).toBeUndefined();
    });

    it('logs nobody out when the tokens in memory expire before the store is back', async () => {
      const world = await loggedIn();
      await world.becomeExpired();
      world.store.fail('replace');
      await world.accessToken();
      await world.clock.advance(HOUR);
      await expect(world.accessToken()).rejects.toMatchObject({
        code: 'refresh_transient',
        detail: 'store_unavailable',
      });
      world.store.heal('replace');
      await world.clock.advance(2 * SECOND);
      expect(await world.accessToken()).toBe('AT-3');
      expect(world.provider.presented).toEqual(['RT-1', 'RT-2']);
    });

    it('gives up when the session is over', async () => {
      const world = await loggedIn({ session: { idleTimeout: 7200 } });
      await world.becomeExpired();
      world.store.fail('replace');
      await world.accessToken();
      await world.clock.advance(3 * HOUR);
      const attempts = world.store.count('replace');
      await world.clock.advance(HOUR);
      expect(world.store.count('replace')).toBe(attempts);
    });
  });
});

describe('shutdown', () => {
  const settled = (promise: Promise<unknown>) => {
    const state = { done: false };
    void promise.then(() => (state.done = true));
    return state;
  };

  it('waits for a refresh under way, and its commit', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.latencyMs = 5 * SECOND;
    await world.accessToken();
    const drained = settled(world.refresher.drain());
    await world.clock.advance(4 * SECOND);
    expect(drained.done).toBe(false);
    await world.clock.advance(SECOND + A_MOMENT);
    expect(drained.done).toBe(true);
    expect((await world.load()).generation).toBe(2);
  });

  it('waits for outcomes that the store has not taken yet', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.store.fail('replace');
    await world.accessToken();
    const drained = settled(world.refresher.drain());
    await world.clock.advance(2 * SECOND);
    expect(drained.done).toBe(false);
    world.store.heal('replace');
    await world.clock.advance(2 * SECOND);
    expect(drained.done).toBe(true);
    expect((await world.load()).generation).toBe(2);
  });

  it('does not wait without end for a store that stays away', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    world.store.fail('replace');
    await world.accessToken();
    const drained = settled(world.refresher.drain());
    await world.clock.advance(7 * SECOND);
    expect(drained.done).toBe(true);
  });

  it('tries to write also the outcome of a refresh that took long', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    world.provider.latencyMs = 9 * SECOND;
    await world.accessToken();
    world.store.fail('replace');
    const drained = settled(world.refresher.drain());
    await world.clock.advance(10 * SECOND);
    world.store.heal('replace');
    await world.clock.advance(2 * SECOND);
    expect(drained.done).toBe(true);
    expect((await world.load()).tokens().refreshToken).toBe('RT-2');
  });

  it('lets no refresh begin from then on, whose outcome could not be kept', async () => {
    const world = await loggedIn();
    await world.becomeExpired();
    await world.refresher.drain();
    const refusal = { code: 'refresh_transient', detail: 'shutdown' };
    await expect(world.accessToken()).rejects.toMatchObject(refusal);
    expect(world.provider.presented).toEqual([]);
    expect((await world.load()).generation).toBe(1);
  });

  it('leaves a token that is good yet as it is from then on', async () => {
    const world = await loggedIn();
    await world.becomeDue();
    await world.refresher.drain();
    expect(await world.accessToken()).toBe('AT-1');
    await world.clock.advance(MINUTE);
    expect(world.provider.presented).toEqual([]);
  });

  it('ends at once when there is nothing under way', async () => {
    const world = await loggedIn();
    const drained = settled(world.refresher.drain());
    await world.clock.advance(0);
    expect(drained.done).toBe(true);
  });
});

describe('the generation of a session', () => {
  it('never goes back, whatever is written late [REF-02]', async () => {
    const world = await loggedIn({ refresh: { lease: 15 } });
    const other = world.another();
    await world.becomeExpired();
    world.store.fail('replace');
    await world.accessToken();
    // Another process takes over after the lease, with a provider that tolerates a refresh token twice.
    await world.clock.advance(20 * SECOND);
    const theirs = await inTime(world.clock, other.accessToken());
    world.store.heal('replace');
    await world.clock.advance(2 * SECOND);
    expect(await world.load()).toMatchObject({ generation: 2 });
    expect((await world.load()).tokens().accessToken).toBe(theirs);
    expect(await world.accessToken()).toBe(theirs);
  });

  it('does not change by a touch', async () => {
    const world = await loggedIn();
    const stale = await world.load();
    await world.becomeExpired();
    await world.accessToken();
    world.repository.touch(stale);
    await world.repository.settled();
    expect(await world.load()).toMatchObject({ generation: 2 });
  });
});
