import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { freePort } from '../support/free-port.js';
import { platforms, startApp, type TestApp } from '../support/test-app.js';
import { TestProvider } from '../support/test-provider.js';

describe.each(platforms)('while Redis is away, on %s', (platform) => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;
  let provider: TestProvider;
  let app: TestApp;
  const browser = new Browser();

  beforeAll(async () => {
    redis = await RedisServer.start({ persistent: true });
    client = createClient({ url: redis.url, socket: { reconnectStrategy: 50 } });
    await client.connect();
    const port = await freePort();
    provider = await TestProvider.start({ redirectUris: [`http://localhost:${port}/auth/callback`] });
    app = await startApp({
      platform,
      port,
      issuer: provider.issuer,
      options: { session: { store: new RedisSessionStore(client) } },
    });
    await browser.navigate(`${app.url}/profile`);
    await redis.stop();
  });

  afterAll(async () => {
    await app.close();
    client.destroy();
    await redis.dispose();
    await provider.stop();
  });

  it('serves public and open routes', async () => {
    expect((await browser.open(app.url)).status).toBe(200);
    expect((await browser.fetch(`${app.url}/maybe`)).json()).toEqual({ sub: null });
  });

  it('answers protected routes with 503, keeps the cookie and does not ask for a login [SES-13]', async () => {
    const cookie = browser.cookies.get('sid');
    for (const response of [await browser.fetch(`${app.url}/profile`), await browser.open(`${app.url}/profile`)]) {
      expect(response.status).toBe(503);
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
      expect(response.setCookies).toEqual([]);
    }
    expect(browser.cookies.get('sid')).toBe(cookie);
  });

  it('does not claim to have logged anybody out', async () => {
    const response = await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect(response.status).toBe(503);
    expect(response.setCookies).toEqual([]);
  });

  it('logs one line for the outage and one for its end, and sessions work again', async () => {
    await redis.start();
    await eventually(async () => expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200));
    const about = app.events.map(({ name }) => name).filter((name) => name.startsWith('store.'));
    expect(about).toEqual(['store.unavailable', 'store.available']);
  });
});

describe.each(platforms)('while the provider is away, on %s', (platform) => {
  let provider: TestProvider;
  let app: TestApp;
  const browser = new Browser();

  beforeAll(async () => {
    const port = await freePort();
    provider = await TestProvider.start({ redirectUris: [`http://localhost:${port}/auth/callback`] });
    await provider.stop();
    app = await startApp({ platform, port, issuer: provider.issuer });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  it('the application starts, serves public routes and says that a login is not possible now', async () => {
    expect((await browser.open(app.url)).status).toBe(200);
    const login = await browser.open(`${app.url}/auth/login`);
    expect(login.status).toBe(503);
    expect(Number(login.headers['retry-after'])).toBeGreaterThan(0);
    expect(login.setCookies).toEqual([]);
    expect(login.body).toContain('Start again');
  });

  it('logins work by themselves once it is there', async () => {
    await provider.listen();
    await eventually(async () => {
      const page = await browser.navigate(`${app.url}/profile`);
      expect([page.url, page.status]).toEqual([`${app.url}/profile`, 200]);
    });
  });

  it('sessions whose access token is valid go on, and logging out works', async () => {
    await provider.stop();
    expect((await browser.fetch(`${app.url}/token`)).status).toBe(200);
    const logout = await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect(logout.status).toBe(200);
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(401);
  });
});
