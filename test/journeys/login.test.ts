import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { VersioningType } from '@nestjs/common';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { platforms, startApp, type TestApp } from '../support/test-app.js';
import { TestProvider } from '../support/test-provider.js';

describe.each(platforms)('login, requests and logout on %s', (platform) => {
  let provider: TestProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    const port = await freePort();
    provider = await TestProvider.start({
      redirectUris: [`http://localhost:${port}/auth/callback`],
      postLogoutRedirectUris: [`http://localhost:${port}/`],
    });
    app = await startApp({ platform, port, issuer: provider.issuer });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    browser = new Browser();
  });

  it('brings a user who opens a protected page back to it, logged in', async () => {
    const page = await browser.navigate(`${app.url}/profile?tab=1`);
    expect(page.url).toBe(`${app.url}/profile?tab=1`);
    expect(page.json()).toMatchObject({ user: { sub: 'alice', iss: provider.issuer, name: 'alice of Wonderland' } });
  });

  it('gives a random session id in an HttpOnly cookie, and nothing else [SES-01] [SES-12]', async () => {
    await browser.navigate(`${app.url}/profile`);
    // The rest are the provider's own: ports of one host share their cookies.
    const cookies = [...browser.cookies].filter(([name]) => !name.startsWith('_'));
    expect(cookies).toEqual([['sid', expect.stringMatching(/^[\w-]{43}$/u)]]);
  });

  it('answers a request that is no navigation with 401 instead of a redirect [BFF-07]', async () => {
    const response = await browser.fetch(`${app.url}/profile`, { headers: { accept: '*/*' } });
    expect(response.status).toBe(401);
    expect(response.json()).toEqual({ error: 'login_required', correlationId: expect.any(String) });
    expect(response.setCookies).toEqual([]);
  });

  it('serves public routes without looking at the session', async () => {
    expect((await browser.open(app.url)).body).toBe('home');
  });

  it('tells an open route who it is, if it is anybody', async () => {
    expect((await browser.fetch(`${app.url}/maybe`)).json()).toEqual({ sub: null });
    await browser.navigate(`${app.url}/profile`);
    expect((await browser.fetch(`${app.url}/maybe`)).json()).toEqual({ sub: 'alice' });
  });

  it('hands the access token to the handler', async () => {
    await browser.navigate(`${app.url}/profile`);
    const { accessToken } = (await browser.fetch(`${app.url}/token`)).json<{ accessToken: string }>();
    const userinfo = await fetch(`${provider.issuer}/me`, { headers: { authorization: `Bearer ${accessToken}` } });
    expect(await userinfo.json()).toMatchObject({ sub: 'alice' });
  });

  it('shows scripts the public claims of the user, and 401 without one [SES-12]', async () => {
    expect((await browser.fetch(`${app.url}/auth/me`)).status).toBe(401);
    await browser.navigate(`${app.url}/profile`);
    const me = await browser.fetch(`${app.url}/auth/me`);
    expect(me.json()).toEqual({
      sub: 'alice',
      name: 'alice of Wonderland',
      email: 'alice@example.com',
      email_verified: true,
    });
  });

  it('lets a page of its own change state, and no other site [BFF-02]', async () => {
    await browser.navigate(`${app.url}/profile`);
    const body = JSON.stringify({ text: 'milk' });
    const headers = { 'content-type': 'application/json' };
    const own = await browser.fetch(`${app.url}/notes`, { method: 'POST', body, headers });
    expect([own.status, own.json()]).toEqual([201, { text: 'milk' }]);
    const crossSite = { ...headers, origin: 'https://evil.example' };
    const other = await browser.fetch(`${app.url}/notes`, { method: 'POST', body, headers: crossSite });
    expect([other.status, other.json()['error']]).toEqual([403, 'csrf_rejected']);
    const sibling = await browser.send(`${app.url}/notes`, {
      method: 'POST',
      body,
      headers: { ...headers, 'sec-fetch-site': 'same-site' },
    });
    expect(sibling.status).toBe(403);
  });

  it('logs out: session gone, cookie gone, browser sent to the provider and back [SES-04]', async () => {
    await browser.navigate(`${app.url}/profile`);
    const stolen = new Map(browser.cookies);
    const response = await browser.send(`${app.url}/auth/logout`, {
      method: 'POST',
      headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate', origin: app.url },
    });
    expect(response.status).toBe(303);
    const target = new URL(response.location ?? '');
    expect(target.origin).toBe(provider.issuer);
    expect(Object.fromEntries(target.searchParams)).toMatchObject({
      client_id: 'test-client',
      id_token_hint: expect.any(String),
      post_logout_redirect_uri: `${app.url}/`,
    });
    expect(browser.cookies.has('sid')).toBe(false);
    const thief = new Browser();
    for (const [name, value] of stolen) thief.cookies.set(name, value);
    expect((await thief.fetch(`${app.url}/profile`)).status).toBe(401);
  });

  it('tells a script where to go after logout', async () => {
    await browser.navigate(`${app.url}/profile`);
    const response = await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect(response.status).toBe(200);
    expect(response.json<{ redirectTo: string }>().redirectTo).toContain(provider.issuer);
    const again = await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect([again.status, again.json()]).toEqual([200, { redirectTo: '/' }]);
  });

  it('refuses a logout that another site sends [BFF-02]', async () => {
    await browser.navigate(`${app.url}/profile`);
    const forged = await browser.send(`${app.url}/auth/logout`, {
      method: 'POST',
      headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate', origin: 'https://evil.example' },
    });
    expect(forged.status).toBe(403);
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
  });

  it('works at once with keys that the provider rotated right after the last login', async () => {
    await browser.navigate(`${app.url}/profile`);
    for (let rotation = 0; rotation < 2; rotation += 1) {
      await provider.rotateKeys();
      const page = await new Browser().navigate(`${app.url}/profile`);
      expect([page.url, page.status]).toEqual([`${app.url}/profile`, 200]);
    }
  });
});

describe.each(platforms)('the auth routes on %s', (platform) => {
  let provider: TestProvider | undefined;
  let app: TestApp | undefined;

  async function start(callback: string, rest: Partial<Parameters<typeof startApp>[0]>): Promise<TestApp> {
    const port = await freePort();
    provider = await TestProvider.start({ redirectUris: [`http://localhost:${port}${callback}`] });
    app = await startApp({ platform, port, issuer: provider.issuer, ...rest });
    return app;
  }

  async function stop(): Promise<void> {
    await app?.close();
    await provider?.stop();
  }

  it('follow a global prefix and take no version', async () => {
    const { url } = await start('/api/auth/callback', {
      prepare: (application) => {
        application.setGlobalPrefix('api');
        application.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
    const page = await new Browser().navigate(`${url}/api/v1/profile`);
    expect([page.url, page.status]).toEqual([`${url}/api/v1/profile`, 200]);
    await stop();
  });

  it('move to other paths, and go where they are switched off', async () => {
    const { url } = await start('/oidc/cb', {
      extras: { routes: { login: '/sign-in', callback: '/oidc/cb', me: false } },
    });
    const browser = new Browser();
    expect((await browser.open(`${url}/profile`)).location).toBe('/sign-in?returnTo=%2Fprofile');
    expect((await browser.navigate(`${url}/profile`)).status).toBe(200);
    expect((await browser.fetch(`${url}/auth/me`)).status).toBe(404);
    await stop();
  });

  it('leave every route to the application when the global guard is off', async () => {
    const { url } = await start('/auth/callback', { extras: { globalGuard: false } });
    expect((await new Browser().fetch(`${url}/profile`)).status).not.toBe(401);
    expect((await new Browser().fetch(`${url}/guarded`)).status).toBe(401);
    await stop();
  });
});
