import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MemorySessionStore, type OidcOptions } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { WatchedStore } from '../session/given.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { logoutToken } from '../support/logout-token.js';
import { logOutAt } from '../support/provider-logout.js';
import { RedisServer } from '../support/redis-server.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { freePort } from '../support/free-port.js';
import { platforms, startApp, type TestApp } from '../support/test-app.js';
import { TestProvider } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' };

async function loggedIn(app: TestApp): Promise<Browser> {
  const browser = new Browser();
  await browser.navigate(`${app.url}/auth/login`);
  return browser;
}

async function isLoggedIn(app: TestApp, browser: Browser): Promise<boolean> {
  return (await browser.fetch(`${app.url}/auth/me`)).status === 200;
}

/** The form of a page of our own. */
const submit = (app: TestApp, browser: Browser, query = '', body?: string): Promise<BrowserResponse> =>
  browser.send(`${app.url}/auth/logout${query}`, {
    method: 'POST',
    headers: { ...NAVIGATION, origin: app.url, 'content-type': 'application/x-www-form-urlencoded' },
    ...(body === undefined ? {} : { body }),
  });

const clientOf = (redis: RedisServer) => createClient({ url: redis.url });

const withLogout =
  (provider: ScriptedProvider) =>
  (document: Record<string, unknown>): Record<string, unknown> => ({
    ...document,
    end_session_endpoint: `${provider.issuer}/logout`,
    revocation_endpoint: `${provider.issuer}/revoke`,
  });

describe.each(platforms)('logout on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let store: WatchedStore;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    provider.script.discovery = withLogout(provider);
    store = new WatchedStore(new MemorySessionStore());
    app = await startAppAt(provider, { platform, options: { session: { store } } });
  });

  beforeEach(async () => {
    browser = await loggedIn(app);
    provider.requests.length = 0;
  });

  afterEach(() => {
    provider.script.answer = () => undefined;
    provider.script.idToken = (parts) => parts;
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it('ends the session in the store, clears the cookie, then goes on to the provider [LGO-01]', async () => {
    const stolen = new Map(browser.cookies);
    const answer = await submit(app, browser);
    expect(answer.status).toBe(303);
    expect(answer.location).toMatch(new RegExp(`^${provider.issuer}/logout\\?`, 'u'));
    expect(browser.cookies.has('sid')).toBe(false);
    const thief = new Browser();
    for (const [name, value] of stolen) thief.cookies.set(name, value);
    expect(await isLoggedIn(app, thief)).toBe(false);
    await eventually(() => expect(provider.count('/revoke')).toBe(1));
  });

  it('does not wait for a provider that hangs or fails [LGO-01]', async () => {
    const kept = browser.cookies.get('sid') ?? '';
    provider.script.answer = () => 'drop';
    expect((await submit(app, browser)).status).toBe(303);
    browser.cookies.set('sid', kept);
    expect(await isLoggedIn(app, browser)).toBe(false);
  });

  it('says so when the session may still be there, and sends nobody away [LGO-01]', async () => {
    store.fail('delete');
    const answer = await submit(app, browser);
    expect([answer.status, answer.location, answer.setCookies]).toEqual([503, undefined, []]);
    store.heal('delete');
    expect(provider.count('/revoke')).toBe(0);
    expect((await submit(app, browser)).status).toBe(303);
  });

  it('tells a script where to go instead of sending it there [LGO-01]', async () => {
    const answer = await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect([answer.status, answer.location]).toEqual([200, undefined]);
    expect(answer.json()['redirectTo']).toMatch(new RegExp(`^${provider.issuer}/logout\\?`, 'u'));
  });

  it.each([
    ['the origin of another site', { origin: 'https://evil.example' }],
    ['a hidden origin of another site', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['another site without an origin', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling site', { 'sec-fetch-site': 'same-site' }],
    ['another scheme', { origin: 'https://localhost' }],
  ])('has no effect for a form from %s [LGO-02]', async (_what, from) => {
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', ...from };
    const forged = await browser.send(`${app.url}/auth/logout`, { method: 'POST', headers });
    expect([forged.status, forged.setCookies]).toEqual([403, []]);
    expect(await isLoggedIn(app, browser)).toBe(true);
  });

  it.each(['GET', 'HEAD'])('has no effect for %s, which any page can cause [LGO-02]', async (method) => {
    const answer = await browser.send(`${app.url}/auth/logout`, { method, headers: NAVIGATION });
    expect([answer.status, answer.setCookies]).toEqual([404, []]);
    expect(await isLoggedIn(app, browser)).toBe(true);
  });

  it('sends the ID token, the client and its own return address with a new state [LGO-03]', async () => {
    const states = new Set<string>();
    for (let login = 0; login < 3; login += 1) {
      const url = new URL((await submit(app, await loggedIn(app))).location ?? '');
      const { state = '', ...params } = Object.fromEntries(url.searchParams);
      expect(params).toEqual({
        client_id: 'test-client',
        id_token_hint: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/u),
        post_logout_redirect_uri: `${app.url}/`,
      });
      expect([...url.searchParams]).toHaveLength(4);
      expect(state).toMatch(/^[\w-]{43}$/u);
      states.add(state);
    }
    expect(states.size).toBe(3);
  });

  it('takes no return address from the request [LGO-03]', async () => {
    const wish =
      'post_logout_redirect_uri=https://evil.example&returnTo=https://evil.example&redirectTo=//evil.example';
    const { location = '' } = await submit(app, browser, `?${wish}`, wish);
    expect(location).not.toContain('evil');
    expect(new URL(location).searchParams.getAll('post_logout_redirect_uri')).toEqual([`${app.url}/`]);
  });

  it('answers a second time, and without any session [LGO-06]', async () => {
    const kept = browser.cookies.get('sid') ?? '';
    await submit(app, browser);
    browser.cookies.set('sid', kept);
    for (const visitor of [browser, new Browser()]) {
      const answer = await submit(app, visitor);
      expect([answer.status, answer.location]).toEqual([303, '/']);
      expect(answer.setCookies).toContainEqual(expect.stringMatching(/^sid=;.*Max-Age=0/u));
    }
  });

  it.each([
    ['nobody has', 'A'.repeat(43)],
    ['cannot be one', 'x'],
    ['comes twice', 'A; sid=B'],
  ])('answers to a session cookie that %s [LGO-06]', async (_what, value) => {
    const headers = { ...NAVIGATION, origin: app.url, cookie: `sid=${value}` };
    const answer = await new Browser().send(`${app.url}/auth/logout`, { method: 'POST', headers });
    expect([answer.status, answer.location]).toEqual([303, '/']);
    expect(answer.setCookies).toContainEqual(expect.stringMatching(/^sid=;.*Max-Age=0/u));
  });

  it('answers to a session that has expired [LGO-06]', async () => {
    const time = new TimeTravel();
    time.forward(8 * 86_400);
    const answer = await submit(app, browser);
    time.end();
    expect([answer.status, answer.location]).toEqual([303, '/']);
    expect(browser.cookies.has('sid')).toBe(false);
  });

  it('clears the cookies of logins under way [LGO-06]', async () => {
    for (let login = 0; login < 2; login += 1) await browser.open(`${app.url}/auth/login`);
    const pending = (): string[] => [...browser.cookies.keys()].filter((name) => name.startsWith('oidc.tx.'));
    expect(pending()).toHaveLength(2);
    await submit(app, browser);
    expect(pending()).toEqual([]);
  });

  it('leaves an ID token out that would make the address too long [LGO-08]', async () => {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, roles: 'x'.repeat(4000) } });
    const { location = '' } = await submit(app, await loggedIn(app));
    expect(location.length).toBeLessThan(2048);
    expect([...new URL(location).searchParams.keys()].sort()).toEqual([
      'client_id',
      'post_logout_redirect_uri',
      'state',
    ]);
  });

  it('leaves what the browser keeps of the application, unless told otherwise [LGO-09]', async () => {
    expect((await submit(app, browser)).headers['clear-site-data']).toBeUndefined();
    const clearSiteData = ['cache', 'storage'] as const;
    const thorough = await startAppAt(provider, { platform, options: { logout: { clearSiteData } } });
    try {
      const user = await loggedIn(thorough);
      const forged = await user.send(`${thorough.url}/auth/logout`, { method: 'POST', headers: { origin: 'null' } });
      expect([forged.status, forged.headers['clear-site-data']]).toEqual([403, undefined]);
      const { status, headers } = await submit(thorough, user);
      expect([status, headers['clear-site-data']]).toEqual([303, '"cache", "storage"']);
      expect(headers['cache-control']).toBe('no-store');
      const script = await user.fetch(`${thorough.url}/auth/logout`, { method: 'POST' });
      expect([script.status, script.headers['clear-site-data']]).toEqual([200, '"cache", "storage"']);
    } finally {
      await thorough.close();
    }
  });

  it('is kept by no cache and framed by nobody, and lets the form go on to the provider [LGO-01]', async () => {
    const { headers, body } = await submit(app, browser);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(headers['content-security-policy']).not.toContain('form-action');
    expect(body).toBe('');
  });
});

describe.each(platforms)('logout on %s', (platform) => {
  const apps: TestApp[] = [];
  let provider: ScriptedProvider;

  beforeEach(async () => {
    provider = await ScriptedProvider.start();
  });

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    await provider.stop();
  });

  async function given(options: Partial<OidcOptions>): Promise<TestApp> {
    const app = await startAppAt(provider, { platform, options });
    apps.push(app);
    return app;
  }

  it('ends a session in the store that another key has sealed [LGO-06]', async () => {
    const session = { store: new MemorySessionStore() };
    const app = await given({ session });
    const stranger = await given({ session, secret: 'another-secret-9fK2-of-tests-only-Xq71' });
    const browser = await loggedIn(app);
    const kept = browser.cookies.get('sid') ?? '';
    const answer = await submit(stranger, browser);
    expect([answer.status, answer.location]).toEqual([303, '/']);
    expect(browser.cookies.has('sid')).toBe(false);
    browser.cookies.set('sid', kept);
    expect(await isLoggedIn(app, browser)).toBe(false);
  });

  it('stays with the application where the provider has none [LGO-05]', async () => {
    const app = await given({ logout: { returnTo: '/maybe' } });
    const answer = await submit(app, await loggedIn(app));
    expect([answer.status, answer.location]).toEqual([303, '/maybe']);
    const script = await (await loggedIn(app)).fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect([script.status, script.json()]).toEqual([200, { redirectTo: '/maybe' }]);
  });
});

describe.each(platforms)('the address after logout on %s', (platform) => {
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    const port = await freePort();
    provider = await TestProvider.start({
      redirectUris: [`http://localhost:${port}/api/auth/callback`],
      postLogoutRedirectUris: [`http://localhost:${port}/api/auth/logged-out`],
    });
    app = await startApp({
      platform,
      port,
      issuer: provider.issuer,
      options: { logout: { returnTo: '/api/maybe' } },
      extras: { routes: { postLogout: '/auth/logged-out' } },
      prepare: (application) => application.setGlobalPrefix('api'),
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  const open = (query: string): Promise<BrowserResponse> =>
    new Browser().open(`${app.url}/api/auth/logged-out${query}`);

  it('is where a real provider sends the user, who ends on a page of ours [LGO-04]', async () => {
    const browser = new Browser();
    await browser.navigate(`${app.url}/api/profile`);
    const logout = await browser.send(`${app.url}/api/auth/logout`, {
      method: 'POST',
      headers: { ...NAVIGATION, origin: app.url },
    });
    const answer = await logOutAt(logout.location ?? '', browser);
    expect(answer.location).toMatch(new RegExp(`^${app.url}/api/auth/logged-out\\?state=`, 'u'));
    const end = await browser.navigate(answer.location ?? '');
    expect([end.status, end.url]).toEqual([200, `${app.url}/api/maybe`]);
    expect(end.json()).toEqual({ sub: null });
  });

  it.each([
    ['no state', ''],
    ['a wrong state', '?state=wrong'],
    ['two states', '?state=a&state=b'],
    ['an error', '?error=login_required&error_description=%3Cscript%3E'],
    ['other addresses', '?returnTo=https://evil.example&redirectTo=//evil.example&post_logout_redirect_uri=/x'],
    ['an authorization response', '?code=c&state=s'],
    ['nonsense', '?%00%zz&=&'],
  ])('leads to the same page with %s, and logs nobody in [LGO-04]', async (_what, query) => {
    const answer = await open(query);
    expect([answer.status, answer.location, answer.body]).toEqual([303, '/api/maybe', '']);
    expect(answer.setCookies).toEqual([]);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('logs nobody out who is logged in [LGO-04]', async () => {
    const browser = new Browser();
    await browser.navigate(`${app.url}/api/profile`);
    await browser.navigate(`${app.url}/api/auth/logged-out?state=x`);
    expect((await browser.fetch(`${app.url}/api/profile`)).status).toBe(200);
  });
});

describe.each(platforms)('logout in one of two processes on %s that share a Redis', (platform) => {
  let redis: RedisServer;
  let clients: ReturnType<typeof clientOf>[];
  let provider: ScriptedProvider;
  let apps: TestApp[];

  beforeAll(async () => {
    redis = await RedisServer.start();
    provider = await ScriptedProvider.start();
    [clients, apps] = [[], []];
    for (let process = 0; process < 2; process += 1) {
      const client = clientOf(redis);
      clients.push(client);
      await client.connect();
      apps.push(
        await startAppAt(provider, { platform, options: { session: { store: new RedisSessionStore(client) } } }),
      );
    }
  });

  afterAll(async () => {
    for (const app of apps) await app.close();
    for (const client of clients) client.destroy();
    await provider.stop();
    await redis.dispose();
  });

  it('ends the session in the other one, at its next request [LGO-01]', async () => {
    const [first, second] = apps as [TestApp, TestApp];
    const browser = await loggedIn(first);
    const kept = browser.cookies.get('sid') ?? '';
    expect(await isLoggedIn(second, browser)).toBe(true);
    await submit(first, browser);
    browser.cookies.set('sid', kept);
    expect(await isLoggedIn(second, browser)).toBe(false);
  });

  it('is no different when the provider tells one of them [BCL-01]', async () => {
    const [first, second] = apps as [TestApp, TestApp];
    const browser = await loggedIn(first);
    expect(await isLoggedIn(second, browser)).toBe(true);
    const answer = await new Browser().send(`${second.url}/auth/backchannel-logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `logout_token=${logoutToken(provider)}`,
    });
    expect(answer.status).toBe(200);
    expect(await isLoggedIn(first, browser)).toBe(false);
    expect(await isLoggedIn(second, browser)).toBe(false);
  });
});
