import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SessionService, TokenService } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { logoutToken } from '../support/logout-token.js';
import { RedisServer } from '../support/redis-server.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';
import { TimeTravel } from '../support/time-travel.js';
import { connect, type Client } from './process-cache-stage.js';

/** What the documentation promises, and what a busy machine needs to run one request. */
const SEEN_WITHIN_MS = 50 + 50;

describe.each(platforms)('two processes with a process cache on %s', (platform) => {
  let redis: RedisServer;
  let provider: ScriptedProvider;
  let observer: Client;
  let clients: Client[];
  let here: TestApp;
  let there: TestApp;
  let time: TimeTravel;
  let logins = 0;

  beforeAll(async () => {
    redis = await RedisServer.start();
    provider = await ScriptedProvider.start();
    observer = await connect(redis.url);
    clients = [await connect(redis.url), await connect(redis.url)];
    const [one, another] = clients.map((client) =>
      startAppAt(provider, {
        platform,
        options: { session: { store: new RedisSessionStore(client, { processCache: true }) } },
      }),
    );
    [here, there] = [(await one) as TestApp, (await another) as TestApp];
  });

  beforeEach(() => {
    time = new TimeTravel();
  });

  afterEach(() => {
    time.end();
    provider.reset();
  });

  afterAll(async () => {
    await here.close();
    await there.close();
    for (const client of [...clients, observer]) client.destroy();
    await provider.stop();
    await redis.dispose();
  });

  const me = (browser: Browser, app: TestApp) => browser.fetch(`${app.url}/auth/me`);

  const commands = async (): Promise<Record<string, number>> => {
    const stats = await observer.info('commandstats');
    return Object.fromEntries(
      [...stats.matchAll(/cmdstat_(get|evalsha|pttl):calls=(\d+)/g)].map(([, n, c]) => [n, Number(c)]),
    );
  };

  /** A browser that is logged in, whose session both processes have. */
  async function loggedIn(): Promise<Browser> {
    logins += 1;
    provider.sub = `user-${logins}`;
    const browser = new Browser();
    await browser.navigate(`${here.url}/auth/login`);
    for (const app of [here, there]) {
      await eventually(async () => {
        const before = await commands();
        for (let request = 0; request < 3; request += 1) expect((await me(browser, app)).status).toBe(200);
        expect(await commands()).toEqual(before);
      });
    }
    return browser;
  }

  /** How long until the other process answers so. */
  async function seenAfter(browser: Browser, status: number): Promise<number> {
    const startedAt = performance.now();
    await eventually(async () => expect((await me(browser, there)).status).toBe(status));
    return performance.now() - startedAt;
  }

  it('answer a request whose session they have without reading from Redis', async () => {
    const browser = await loggedIn();
    const before = await commands();
    for (let request = 0; request < 50; request += 1) expect((await me(browser, there)).status).toBe(200);
    expect(await commands()).toEqual(before);
  });

  it('see a logout on the other', async () => {
    const browser = await loggedIn();
    const cookies = new Map(browser.cookies);
    expect((await browser.fetch(`${here.url}/auth/logout`, { method: 'POST' })).status).toBe(200);
    const thief = new Browser();
    for (const [name, value] of cookies) thief.cookies.set(name, value);
    expect(await seenAfter(thief, 401)).toBeLessThan(SEEN_WITHIN_MS);
  });

  it('see a back-channel logout on the other', async () => {
    const browser = await loggedIn();
    const answer = await new Browser().send(`${here.url}/auth/backchannel-logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: logoutToken(provider) }).toString(),
    });
    expect(answer.status).toBe(200);
    expect(await seenAfter(browser, 401)).toBeLessThan(SEEN_WITHIN_MS);
  });

  it('see that an administrator has ended all sessions of a user on the other', async () => {
    const browser = await loggedIn();
    expect(await here.app.get(SessionService).endAll(provider.sub)).toBe(1);
    expect(await seenAfter(browser, 401)).toBeLessThan(SEEN_WITHIN_MS);
  });

  it('see a refresh on the other', async () => {
    const browser = await loggedIn();
    // The first seconds of a token are too early to refresh it.
    time.forward(10);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const request = () => ({ headers: { cookie } });
    provider.script.tokenResponse = (response) => ({ ...(response as object), access_token: `renewed-${logins}` });
    const renewed = await here.app.get(TokenService).getAccessToken(request(), { forceRefresh: true });
    expect(renewed).toBe(`renewed-${logins}`);
    const startedAt = performance.now();
    await eventually(async () => expect(await there.app.get(TokenService).getAccessToken(request())).toBe(renewed));
    expect(performance.now() - startedAt).toBeLessThan(SEEN_WITHIN_MS);
    expect(provider.to('/token').filter(({ params }) => params.get('grant_type') === 'refresh_token')).toHaveLength(1);
  });

  it('log nobody out when the connections of their caches are cut', async () => {
    const browser = await loggedIn();
    for (let round = 0; round < 5; round += 1) {
      await observer.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
      for (const app of [here, there]) {
        const { status } = await me(browser, app);
        // A command that was under way may be lost with its connection.
        expect([200, 503]).toContain(status);
      }
    }
    for (const app of [here, there]) await eventually(async () => expect((await me(browser, app)).status).toBe(200));
    await browser.fetch(`${here.url}/auth/logout`, { method: 'POST' });
    await eventually(async () => expect((await me(browser, there)).status).toBe(401));
  });
});
