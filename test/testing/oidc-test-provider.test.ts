import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { OidcTestProvider, TestClock, type OidcTestProviderOptions } from 'nest-oidc/testing';

const BASE_URL = 'http://localhost:3000';
const REDIRECT_URI = `${BASE_URL}/auth/callback`;
const VERIFIER = 'a-code-verifier-of-more-than-43-characters-for-tests';

type Json = Record<string, unknown>;
type Params = Readonly<Record<string, string>>;

describe('the test provider', () => {
  const clock = new TestClock();
  let provider: OidcTestProvider;
  let metadata: Json;

  beforeAll(async () => {
    provider = await OidcTestProvider.start({ clock });
    // First of all: this tells the canary of the tests who is a provider here.
    metadata = (await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()) as Json;
    provider.options({ baseUrl: BASE_URL });
  });

  it('knows an application by its base URL, however that is written', async () => {
    const { baseUrl } = provider.options({ baseUrl: 'http://LOCALHOST:3001/shop/' });
    expect(baseUrl).toBe('http://LOCALHOST:3001/shop/');
    const redirectUri = 'http://localhost:3001/shop/auth/callback';
    expect(await provider.visit(authorizationUrl({ redirect_uri: redirectUri }))).toMatch(/^\/auth\/callback\?/u);
  });

  const others: OidcTestProvider[] = [];

  const startAnother = async (options?: OidcTestProviderOptions): Promise<OidcTestProvider> => {
    const other = await OidcTestProvider.start(options);
    others.push(other);
    return other;
  };

  afterEach(async () => {
    provider.reset();
    await Promise.all(others.splice(0).map((other) => other.close()));
  });

  afterAll(() => provider.close());

  const authorizationUrl = (changes: Params = {}): string => {
    const params = new URLSearchParams({
      client_id: provider.clientId,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid offline_access',
      state: 'a-state',
      nonce: 'a-nonce',
      code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      code_challenge_method: 'S256',
      ...changes,
    });
    return `${provider.issuer}/authorize?${params.toString()}`;
  };

  const authorize = async (changes?: Params): Promise<URLSearchParams> =>
    new URLSearchParams((await provider.visit(authorizationUrl(changes))).split('?')[1]);

  const post = (path: string, params: Params): Promise<Response> =>
    fetch(provider.issuer + path, {
      method: 'POST',
      body: new URLSearchParams({ client_id: provider.clientId, client_secret: provider.clientSecret, ...params }),
    });

  const tokenRequest = async (params: Params): Promise<Json> => (await (await post('/token', params)).json()) as Json;

  const exchange = (code: string | null, changes: Params = {}): Promise<Json> =>
    tokenRequest({
      grant_type: 'authorization_code',
      code: code ?? '',
      code_verifier: VERIFIER,
      redirect_uri: REDIRECT_URI,
      ...changes,
    });

  const refresh = (refreshToken: unknown): Promise<Json> =>
    tokenRequest({ grant_type: 'refresh_token', refresh_token: String(refreshToken) });

  const logIn = async (): Promise<Json> => {
    provider.loginAs({ sub: 'alice', email: 'alice@shop.example' });
    return exchange((await authorize()).get('code'));
  };

  const userInfo = (accessToken: unknown): Promise<Response> =>
    fetch(`${provider.issuer}/userinfo`, { headers: { authorization: `Bearer ${String(accessToken)}` } });

  it('publishes endpoints of its own', () => {
    expect(metadata).toMatchObject({ issuer: provider.issuer, token_endpoint: `${provider.issuer}/token` });
  });

  it('logs in whoever the test names, and repeats state, nonce and its identity', async () => {
    provider.loginAs({ sub: 'alice' });
    const answer = await authorize();
    const tokens = await exchange(answer.get('code'));
    expect([answer.get('state'), answer.get('iss')]).toEqual(['a-state', provider.issuer]);
    expect(decodeJwt(String(tokens['id_token']))).toMatchObject({
      iss: provider.issuer,
      sub: 'alice',
      aud: provider.clientId,
      nonce: 'a-nonce',
      iat: Math.floor(clock.now() / 1000),
    });
  });

  it('logs nobody in before the test has named somebody', async () => {
    expect((await authorize()).get('error')).toBe('login_required');
  });

  it.each([
    ['without PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['of another flow', { response_type: 'token' }, 'invalid_request'],
    ['without the scope openid', { scope: 'profile' }, 'invalid_scope'],
  ])('refuses an authorization request %s', async (_which, changes, error) => {
    provider.loginAs({ sub: 'alice' });
    expect((await authorize(changes)).get('error')).toBe(error);
  });

  it.each([
    ['of another client', { client_id: 'somebody' }],
    ['that leads to an application it does not know', { redirect_uri: 'http://localhost:3000.evil.example/' }],
  ])('answers no redirect to an authorization request %s', async (_which, changes) => {
    provider.loginAs({ sub: 'alice' });
    await expect(provider.visit(authorizationUrl(changes))).rejects.toThrow(/did not redirect: 400/u);
  });

  /** An authorization request that leaves these parameters out. */
  const withoutParams = (...names: string[]): string => {
    const url = new URL(authorizationUrl());
    for (const name of names) url.searchParams.delete(name);
    return url.href;
  };

  it.each(['client_id', 'redirect_uri'])('answers no redirect to an authorization request without %s', async (name) => {
    provider.loginAs({ sub: 'alice' });
    await expect(provider.visit(withoutParams(name))).rejects.toThrow(/did not redirect: 400/u);
  });

  it.each([
    ['response_type', 'invalid_request'],
    ['code_challenge', 'invalid_request'],
    ['code_challenge_method', 'invalid_request'],
    ['scope', 'invalid_scope'],
  ])('refuses an authorization request that leaves out %s', async (name, error) => {
    provider.loginAs({ sub: 'alice' });
    expect(await provider.visit(withoutParams(name))).toContain(`error=${error}`);
  });

  it('repeats no state and no nonce where the application sends none', async () => {
    provider.loginAs({ sub: 'alice' });
    const answer = new URLSearchParams((await provider.visit(withoutParams('state', 'nonce'))).split('?')[1]);
    expect(answer.has('state')).toBe(false);
    expect(decodeJwt(String((await exchange(answer.get('code')))['id_token']))).not.toHaveProperty('nonce');
  });

  it.each([
    ['a code', { grant_type: 'authorization_code', code_verifier: VERIFIER }, 'invalid_grant'],
    ['a refresh token', { grant_type: 'refresh_token' }, 'invalid_grant'],
    ['a grant type', {}, 'unsupported_grant_type'],
  ])('refuses a token request without %s', async (_what, params, error) => {
    expect(await tokenRequest(params)).toEqual({ error });
  });

  it('refuses a code without a code verifier', async () => {
    provider.loginAs({ sub: 'alice' });
    const code = (await authorize()).get('code') ?? '';
    const params = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI };
    expect(await tokenRequest(params)).toEqual({ error: 'invalid_grant' });
  });

  it.each([
    ['another client id', (): string => `somebody:${provider.clientSecret}`],
    ['another client secret', (): string => `${provider.clientId}:another`],
    ['no client secret', (): string => provider.clientId],
  ])('refuses a client that authenticates by Basic with %s', async (_what, credentials) => {
    const response = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(credentials())}` },
      body: new URLSearchParams({ grant_type: 'refresh_token' }),
    });
    expect([response.status, await response.json()]).toEqual([401, { error: 'invalid_client' }]);
  });

  it.each([
    ['another code verifier', { code_verifier: 'another' }, 'invalid_grant'],
    ['another redirect URI', { redirect_uri: `${BASE_URL}/elsewhere` }, 'invalid_grant'],
    ['another client secret', { client_secret: 'another' }, 'invalid_client'],
    ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type'],
  ])('refuses a code with %s', async (_what, changes, error) => {
    provider.loginAs({ sub: 'alice' });
    expect(await exchange((await authorize()).get('code'), changes)).toEqual({ error });
  });

  it('takes a code once, and ends what came of it when it comes again', async () => {
    provider.loginAs({ sub: 'alice' });
    const code = (await authorize()).get('code');
    const tokens = await exchange(code);
    expect(await exchange(code)).toEqual({ error: 'invalid_grant' });
    expect(await refresh(tokens['refresh_token'])).toEqual({ error: 'invalid_grant' });
  });

  it('takes a code for a minute', async () => {
    provider.loginAs({ sub: 'alice' });
    const code = (await authorize()).get('code');
    await clock.advance(60_000);
    expect(await exchange(code)).toEqual({ error: 'invalid_grant' });
  });

  it('rotates refresh tokens, and revokes the family when an old one comes again', async () => {
    const first = await logIn();
    const second = await refresh(first['refresh_token']);
    expect(second['refresh_token']).not.toBe(first['refresh_token']);
    expect(await refresh(first['refresh_token'])).toEqual({ error: 'invalid_grant' });
    expect(provider.reusedRefreshTokens).toBe(1);
    expect(await refresh(second['refresh_token'])).toEqual({ error: 'invalid_grant' });
    expect((await userInfo(second['access_token'])).status).toBe(401);
  });

  it('keeps one refresh token for good where rotation is off', async () => {
    const still = await startAnother({ rotation: false, refreshTokenLifetime: 60, clock });
    await fetch(`${still.issuer}/.well-known/openid-configuration`);
    const { refreshToken } = await still.issueTokens({ sub: 'alice' });
    const request = (): Promise<Json> =>
      fetch(`${still.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${still.clientId}:${still.clientSecret}`)}` },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken ?? '' }),
      }).then((response) => response.json() as Promise<Json>);
    expect(await request()).not.toHaveProperty('refresh_token');
    expect(await request()).toHaveProperty('access_token');
    await clock.advance(60_000);
    expect(await request()).toEqual({ error: 'invalid_grant' });
  });

  it('issues a refresh token for the scope offline_access only', async () => {
    expect((await provider.issueTokens({ sub: 'alice' }, 'openid')).refreshToken).toBeUndefined();
  });

  it('shows the claims at UserInfo as long as the access token lives', async () => {
    provider.accessTokenLifetime = 60;
    const { access_token: accessToken, expires_in: lifetime } = await logIn();
    expect(lifetime).toBe(60);
    expect(await (await userInfo(accessToken)).json()).toEqual({ sub: 'alice', email: 'alice@shop.example' });
    await clock.advance(60_000);
    expect((await userInfo(accessToken)).status).toBe(401);
  });

  it('shows nothing at UserInfo without an access token', async () => {
    const response = await fetch(`${provider.issuer}/userinfo`);
    expect([response.status, await response.json()]).toEqual([401, { error: 'invalid_token' }]);
  });

  it.each([
    ['of another client', { client_secret: 'another' }, 401],
    ['without a token', {}, 200],
    ['of a token it does not know', { token: 'unknown' }, 200],
  ])('revokes nothing at a request %s', async (_which, params, status) => {
    const tokens = await logIn();
    const token = String(tokens['refresh_token']);
    const sent: Params = status === 401 ? { token, ...params } : params;
    expect((await post('/revoke', sent)).status).toBe(status);
    expect(await refresh(token)).toHaveProperty('access_token');
  });

  it('logs nobody out without an ID token, and leads back to the base URL as it is', async () => {
    const shop = `${BASE_URL}/shop`;
    const other = await startAnother({ clock });
    await fetch(`${other.issuer}/.well-known/openid-configuration`);
    other.options({ baseUrl: shop });
    const { accessToken } = await other.issueTokens({ sub: 'alice' });
    const back = new URLSearchParams({ post_logout_redirect_uri: shop });
    expect(await other.visit(`${other.issuer}/logout?${back.toString()}`)).toBe('/');
    const headers = { authorization: `Bearer ${accessToken}` };
    expect((await fetch(`${other.issuer}/userinfo`, { headers })).status).toBe(200);
  });

  it('revokes a refresh token with all that came of its login', async () => {
    const tokens = await logIn();
    expect((await post('/revoke', { token: String(tokens['refresh_token']) })).status).toBe(200);
    expect(await refresh(tokens['refresh_token'])).toEqual({ error: 'invalid_grant' });
  });

  it('ends the session of an ID token, and goes back to the application', async () => {
    const tokens = await logIn();
    const params = new URLSearchParams({
      id_token_hint: String(tokens['id_token']),
      post_logout_redirect_uri: `${BASE_URL}/`,
      state: 'bye',
    });
    expect(await provider.visit(`${provider.issuer}/logout?${params.toString()}`)).toBe('/?state=bye');
    expect(await refresh(tokens['refresh_token'])).toEqual({ error: 'invalid_grant' });
  });

  it('ends no session for an ID token that it has not signed', async () => {
    const tokens = await logIn();
    const [header = '', payload = ''] = String(tokens['id_token']).split('.');
    const params = new URLSearchParams({ id_token_hint: `${header}.${payload}.AAAA` });
    expect(await (await fetch(`${provider.issuer}/logout?${params.toString()}`)).text()).toBe('Logged out.');
    expect(await refresh(tokens['refresh_token'])).toHaveProperty('access_token');
  });

  it('goes no further than its own pages', async () => {
    await expect(provider.visit('https://login.example/authorize')).rejects.toThrow(/is not at this provider/u);
  });

  describe('logging a user out', () => {
    const received: URLSearchParams[] = [];
    let status = 200;
    const application = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => received.push(new URLSearchParams(text)));
      request.on('end', () => response.writeHead(status).end());
    });
    let own: OidcTestProvider;

    beforeAll(async () => {
      await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
      const { port } = application.address() as AddressInfo;
      own = await OidcTestProvider.start({ clock });
      own.options({ baseUrl: BASE_URL, backChannelLogoutUri: `http://127.0.0.1:${port}/bye` });
    });

    afterAll(async () => {
      await own.close();
      await new Promise((resolve) => application.close(resolve));
    });

    it('sends a logout token to the application', async () => {
      await own.logOut({ sub: 'alice', sid: 'session-1' });
      const claims = decodeJwt(received[0]?.get('logout_token') ?? '');
      expect(claims).toMatchObject({
        iss: own.issuer,
        aud: own.clientId,
        sub: 'alice',
        sid: 'session-1',
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      });
      expect(claims).not.toHaveProperty('nonce');
    });

    it('says when the application refuses it', async () => {
      status = 400;
      await expect(own.logOut({ sub: 'alice' })).rejects.toThrow(/answered the logout token with 400/u);
    });
  });

  it.each([
    ['the user', { sub: 'alice' }, false],
    ['the session', { sid: 'session-1' }, false],
    ['another session of the user', { sub: 'alice', sid: 'session-2' }, true],
    ['another user', { sub: 'bob' }, true],
  ])('once %s is logged out, answers whether the tokens are good', async (_whom, target, good) => {
    const alone = await startAnother();
    const { accessToken } = await alone.issueTokens({ sub: 'alice', sid: 'session-1' });
    await alone.logOut(target as { sub: string });
    const headers = { authorization: `Bearer ${accessToken}` };
    expect((await fetch(`${alone.issuer}/userinfo`, { headers })).ok).toBe(good);
  });

  describe('told to fail', () => {
    it('answers a status, as often as it was told', async () => {
      provider.fail('keys', 503, 1);
      expect((await fetch(`${provider.issuer}/jwks`)).status).toBe(503);
      expect((await fetch(`${provider.issuer}/jwks`)).status).toBe(200);
    });

    it('answers an error code until it recovers, and uses nothing up', async () => {
      const tokens = await logIn();
      provider.fail('token', 'invalid_grant');
      expect(await refresh(tokens['refresh_token'])).toEqual({ error: 'invalid_grant' });
      provider.recover('token');
      expect(await refresh(tokens['refresh_token'])).toHaveProperty('access_token');
    });

    it('answers an error code at the authorization endpoint as a redirect', async () => {
      provider.loginAs({ sub: 'alice' });
      provider.fail('authorization', 'access_denied');
      expect((await authorize()).get('error')).toBe('access_denied');
    });

    it('drops the connection before anything was done', async () => {
      const tokens = await logIn();
      provider.fail('token', 'drop', 1);
      await expect(refresh(tokens['refresh_token'])).rejects.toThrow();
      expect(await refresh(tokens['refresh_token'])).toHaveProperty('access_token');
    });

    it('loses the answer after everything was done', async () => {
      const tokens = await logIn();
      provider.fail('token', 'lose', 1);
      await expect(refresh(tokens['refresh_token'])).rejects.toThrow();
      expect(await refresh(tokens['refresh_token'])).toEqual({ error: 'invalid_grant' });
    });

    it('hangs until it is closed', async () => {
      const hanging = await startAnother();
      hanging.fail('discovery', 'hang');
      const answer = fetch(`${hanging.issuer}/.well-known/openid-configuration`);
      const failed = expect(answer).rejects.toThrow();
      while (hanging.count('discovery') === 0) await new Promise(setImmediate);
      await hanging.close();
      await failed;
    });
  });

  it('counts what was asked, and begins anew for the next test', async () => {
    const tokens = await logIn();
    await refresh(tokens['refresh_token']);
    expect([provider.count('token'), provider.count('token', { grant_type: 'refresh_token' })]).toEqual([2, 1]);
    expect(provider.requests.map(({ endpoint }) => endpoint)).toEqual(['authorization', 'token', 'token']);
    provider.fail('token', 503);
    provider.accessTokenLifetime = 1;
    provider.reset();
    expect([provider.count('token'), provider.accessTokenLifetime]).toEqual([0, 3600]);
    expect((await authorize()).get('error')).toBe('login_required');
    expect(await refresh('unknown')).toEqual({ error: 'invalid_grant' });
  });

  it('knows no other pages', async () => {
    expect((await fetch(`${provider.issuer}/elsewhere`)).status).toBe(404);
  });
});
