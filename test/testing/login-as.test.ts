import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SessionService, TokenService, type OidcOptions } from 'nest-oidc';
import { loginAs, OidcTestProvider } from 'nest-oidc/testing';
import { freePort } from '../support/free-port.js';
import { platforms, startApp, type PlatformName, type TestApp } from '../support/test-app.js';

describe('loginAs', () => {
  let provider: OidcTestProvider;
  let port: number;
  let running: TestApp | undefined;

  beforeAll(async () => {
    provider = await OidcTestProvider.start();
    port = await freePort();
  });

  afterAll(() => provider.close());

  afterEach(async () => {
    provider.reset();
    await running?.close();
    running = undefined;
  });

  const start = async (options: Partial<OidcOptions> = {}, platform: PlatformName = 'express'): Promise<TestApp> => {
    const own = provider.options({ baseUrl: `http://localhost:${port}` });
    running = await startApp({ platform, port, issuer: own.issuer, options: { ...own, ...options } });
    return running;
  };

  describe.each(platforms)('on %s', (platform) => {
    it('makes a session that the guard lets through, with the claims as the user', async () => {
      const { app, url } = await start({}, platform);
      const { headers, session } = await loginAs(app, { sub: 'alice', name: 'Alice', roles: ['buyer'] });
      const response = await fetch(`${url}/profile`, { headers });
      expect(await response.json()).toEqual({
        user: expect.objectContaining({ sub: 'alice', name: 'Alice', roles: ['buyer'], iss: provider.issuer }),
        session: session.id,
      });
    });

    it('gives the access token of the options to TokenService', async () => {
      const { app, url } = await start({}, platform);
      const { headers } = await loginAs(app, { sub: 'alice' }, { accessToken: 'the-token-of-alice' });
      const response = await fetch(`${url}/token`, { headers });
      expect(await response.json()).toEqual({ accessToken: 'the-token-of-alice' });
    });
  });

  it('gives a random access token that TokenService takes from the session as well', async () => {
    const { app } = await start();
    const alice = await loginAs(app, { sub: 'alice' });
    const bob = await loginAs(app, { sub: 'bob' });
    expect(await app.get(TokenService).getAccessToken(alice.session)).toBe(alice.accessToken);
    expect(alice.accessToken).not.toBe(bob.accessToken);
  });

  it('answers the cookie by the name that the application uses', async () => {
    const { app } = await start({ session: { cookie: { name: 'shop' } } });
    const { cookie, headers } = await loginAs(app, { sub: 'alice' });
    expect(cookie).toMatch(/^shop=[\w-]{43}$/u);
    expect(headers).toEqual({ cookie });
  });

  it('takes what else belongs to a token set', async () => {
    const { app } = await start();
    const { session } = await loginAs(app, { sub: 'alice' }, { scope: 'openid orders', idToken: 'an-id-token' });
    expect(await app.get(TokenService).getTokenSet(session)).toMatchObject({
      tokenType: 'Bearer',
      scope: 'openid orders',
      idToken: 'an-id-token',
      expiresAt: session.accessTokenExpiresAt,
    });
  });

  it('makes a session whose access token has expired, which asks for a login where the token is needed', async () => {
    const { app, url } = await start();
    const { headers } = await loginAs(app, { sub: 'alice' }, { accessTokenLifetime: 0 });
    expect((await fetch(`${url}/profile`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/token`, { headers })).status).toBe(401);
  });

  it('makes a session that the provider refreshes, with tokens of that provider', async () => {
    const { app, url } = await start();
    const user = { sub: 'alice' };
    const tokens = await provider.issueTokens(user);
    const { headers } = await loginAs(app, user, { ...tokens, accessTokenLifetime: 0 });
    const response = await fetch(`${url}/token`, { headers });
    const { accessToken } = (await response.json()) as { accessToken: string };
    expect([response.status, accessToken === tokens.accessToken]).toEqual([200, false]);
    expect(provider.count('token', { grant_type: 'refresh_token' })).toBe(1);
  });

  it('enters the session in the directory, for administration', async () => {
    const { app } = await start();
    const { session } = await loginAs(app, { sub: 'alice' }, { device: { agent: 'a test' } });
    expect(await app.get(SessionService).list('alice')).toMatchObject([{ id: session.id, agent: 'a test' }]);
  });

  it('keeps to the number of sessions that a user may have', async () => {
    const { app } = await start({ session: { maxPerUser: 1 } });
    await loginAs(app, { sub: 'alice' });
    const { session } = await loginAs(app, { sub: 'alice' });
    expect((await app.get(SessionService).list('alice')).map(({ id }) => id)).toEqual([session.id]);
  });

  it('makes a session that a logout at the provider ends, and another one after that', async () => {
    const { app, url } = await start();
    const { headers } = await loginAs(app, { sub: 'alice', sid: 'session-1' });
    await provider.logOut({ sid: 'session-1' });
    expect((await fetch(`${url}/profile`, { headers })).status).toBe(401);
    const again = await loginAs(app, { sub: 'alice', sid: 'session-1' });
    expect((await fetch(`${url}/profile`, { headers: again.headers })).status).toBe(200);
  });

  it('says what is missing in an application without the module', async () => {
    @Module({})
    class Empty {}
    const module = await Test.createTestingModule({ imports: [Empty] }).compile();
    await expect(loginAs(module, { sub: 'alice' })).rejects.toThrow(/has no OidcModule/u);
  });
});
