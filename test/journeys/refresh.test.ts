import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { RedisServer } from '../support/redis-server.js';
import { freePort } from '../support/free-port.js';
import { startApp, type PlatformName, type TestApp } from '../support/test-app.js';
import { TestProvider } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const LIFETIME = 600;
const CASES: readonly (readonly [PlatformName, 'memory' | 'redis'])[] = [
  ['express', 'memory'],
  ['fastify', 'memory'],
  ['express', 'redis'],
  ['fastify', 'redis'],
];

describe.each(CASES)('an access token on %s with sessions in %s', (platform, storeName) => {
  let redis: RedisServer | undefined;
  let client: ReturnType<typeof createClient> | undefined;
  let provider: TestProvider;
  let app: TestApp;
  let browser: Browser;
  let time: TimeTravel;

  beforeAll(async () => {
    const port = await freePort();
    provider = await TestProvider.start({
      redirectUris: [`http://localhost:${port}/auth/callback`],
      accessTokenLifetime: LIFETIME,
    });
    if (storeName === 'redis') {
      redis = await RedisServer.start();
      client = createClient({ url: redis.url });
      await client.connect();
    }
    const session = client ? { store: new RedisSessionStore(client) } : {};
    app = await startApp({ platform, port, issuer: provider.issuer, options: { session } });
  });

  afterAll(async () => {
    await app.close();
    client?.destroy();
    await redis?.dispose();
    await provider.stop();
  });

  beforeEach(async () => {
    time = new TimeTravel();
    browser = new Browser();
    await browser.navigate(`${app.url}/profile`);
    provider.grants.length = 0;
  });

  afterEach(() => {
    provider.fault = undefined;
    time.end();
  });

  const token = async (): Promise<string> =>
    (await browser.fetch(`${app.url}/token`)).json<{ accessToken: string }>().accessToken;

  it('is the same for every request while it is fresh', async () => {
    const first = await token();
    time.forward(LIFETIME / 3);
    expect(await token()).toBe(first);
    expect(provider.count('refresh_token')).toBe(0);
  });

  it('is refreshed before it dies, and no request waits for that', async () => {
    const first = await token();
    time.forward(LIFETIME * 0.7);
    const { passed, open } = gate();
    provider.fault = async (request) => {
      if (request.url === '/token') await passed;
      return false;
    };
    expect(await token()).toBe(first);
    open();
    await eventually(async () => expect(await token()).not.toBe(first));
    expect(provider.count('refresh_token')).toBe(1);
  });

  it('is refreshed once for five requests that meet it expired [REF-01]', async () => {
    const first = await token();
    time.forward(LIFETIME + 10);
    const tokens = await Promise.all(Array.from({ length: 5 }, token));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).not.toBe(first);
    expect(provider.count('refresh_token')).toBe(1);
  });

  it('is refreshed time and again with the rotated refresh token [REF-03]', async () => {
    for (let round = 1; round <= 3; round += 1) {
      time.forward(LIFETIME + 10);
      await token();
      expect(provider.grants.filter(({ ok }) => ok)).toHaveLength(round);
    }
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
  });

  it('that cannot be refreshed serves while it is valid, then 503, and works again by itself [REF-07]', async () => {
    const first = await token();
    app.events.length = 0;
    provider.fault = (request, response) => {
      if (request.url !== '/token') return false;
      response.writeHead(500).end();
      return true;
    };
    time.forward(LIFETIME * 0.7);
    expect(await token()).toBe(first);
    await eventually(() => expect(app.events.map(({ name }) => name)).toContain('refresh.stale_but_valid'));
    time.forward(LIFETIME * 0.3 + 10);
    const refused = await eventually(async () => {
      const response = await browser.fetch(`${app.url}/token`);
      expect(response.status).toBe(503);
      return response;
    });
    expect(refused.json()['error']).toBe('refresh_transient');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.setCookies).toEqual([]);
    provider.fault = undefined;
    time.forward(60);
    expect((await browser.fetch(`${app.url}/token`)).status).toBe(200);
  });

  it('whose session another login replaces meanwhile asks for a login, and leaves the new cookie alone', async () => {
    time.forward(LIFETIME + 10);
    const [asked, answered] = [gate(), gate()];
    let isHeld = false;
    provider.fault = async ({ url }) => {
      if (url !== '/token' || isHeld) return false;
      isHeld = true;
      asked.open();
      await answered.passed;
      return false;
    };
    const waiting = browser.fetch(`${app.url}/token`);
    await asked.passed;
    await browser.navigate(`${app.url}/auth/login`);
    answered.open();
    expect(await waiting).toMatchObject({ status: 401, setCookies: [] });
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
  });

  it('whose refresh is refused ends the session and asks for a new login [REF-06]', async () => {
    provider.fault = (request, response) => {
      if (request.url !== '/token') return false;
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
      return true;
    };
    time.forward(LIFETIME + 10);
    const page = await browser.open(`${app.url}/profile`);
    expect(page.status).toBe(302);
    expect(page.location).toBe('/auth/login?returnTo=%2Fprofile');
    expect(browser.cookies.has('sid')).toBe(false);
  });

  it('that is due when its refresh is refused serves that request, and the next one takes the cookie away [REF-06]', async () => {
    provider.fault = (request, response) => {
      if (request.url !== '/token') return false;
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
      return true;
    };
    app.events.length = 0;
    time.forward(LIFETIME - 60);
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(200);
    await eventually(() => expect(app.events.map(({ name }) => name)).toContain('session.ended'));
    const headers = { cookie: `sid=${browser.cookies.get('sid')}` };
    const answer = await browser.fetch(`${app.url}/profile`);
    expect([answer.status, answer.json()['error'], browser.cookies.has('sid')]).toEqual([401, 'login_required', false]);
    // A login may have overtaken any other.
    expect(await new Browser().fetch(`${app.url}/profile`, { headers })).toMatchObject({ status: 401, setCookies: [] });
  });

  it('is not refreshed by a client that the provider refuses, and nobody is logged out [REF-07]', async () => {
    provider.fault = (request, response) => {
      if (request.url !== '/token') return false;
      response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="op"' });
      response.end('{"error":"invalid_client"}');
      return true;
    };
    time.forward(LIFETIME + 10);
    const refused = await browser.fetch(`${app.url}/token`);
    expect([refused.status, refused.json()['error']]).toEqual([503, 'refresh_misconfigured']);
    provider.fault = undefined;
    time.forward(60);
    expect((await browser.fetch(`${app.url}/token`)).status).toBe(200);
  });

  it('of a session that is logged out meanwhile is thrown away and revoked [REF-08]', async () => {
    time.forward(LIFETIME * 0.7);
    const { passed, open } = gate();
    provider.fault = async (request) => {
      if (request.url === '/token') await passed;
      return false;
    };
    const thief = new Browser();
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value);
    await browser.fetch(`${app.url}/profile`);
    await eventually(() => expect(provider.requests.at(-1)).toBe('/token'));
    await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    provider.requests.length = 0;
    open();
    await eventually(() => expect(provider.requests).toContain('/token/revocation'));
    expect((await thief.fetch(`${app.url}/profile`)).status).toBe(401);
  });
});

describe('two applications on one Redis', () => {
  it('send one token request for the requests that meet an expired token on both [REF-01]', async () => {
    const redis = await RedisServer.start();
    const ports = [await freePort(), await freePort()];
    const provider = await TestProvider.start({
      redirectUris: ports.map((port) => `http://localhost:${port}/auth/callback`),
      accessTokenLifetime: LIFETIME,
    });
    const clients = await Promise.all(ports.map(() => createClient({ url: redis.url }).connect()));
    const apps = await Promise.all(
      ports.map((port, index) => {
        const store = new RedisSessionStore(clients[index] as (typeof clients)[number]);
        return startApp({ port, issuer: provider.issuer, options: { session: { store } } });
      }),
    );
    const time = new TimeTravel();
    const browser = new Browser();
    await browser.navigate(`${apps[0]?.url}/profile`);
    time.forward(LIFETIME + 10);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => browser.fetch(`${apps[index % 2]?.url}/token`)),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(provider.count('refresh_token')).toBe(1);
    time.end();
    await Promise.all(apps.map((app) => app.close()));
    for (const client of clients) client.destroy();
    await provider.stop();
    await redis.dispose();
  });
});
