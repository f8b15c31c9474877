import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { request as httpRequest, Agent } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { RedisServer } from '../support/redis-server.js';
import { ResourceServer } from '../support/resource-server.js';
import { Sample, SAMPLE_SECRET, type Variables } from '../support/sample.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';

/** Seconds. Long enough for five requests before the next refresh is due, short enough to wait for. */
const ACCESS_TOKEN_LIFETIME = 4;

let provider: TestProvider;
let resource: ResourceServer;
let redis: RedisServer;
let browser: Browser;
let variables: Variables;
let samples: Sample[] = [];

beforeAll(async () => {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  provider = await TestProvider.start({
    redirectUris: [`${url}/auth/callback`],
    postLogoutRedirectUris: [`${url}/`],
    accessTokenLifetime: ACCESS_TOKEN_LIFETIME,
  });
  resource = await ResourceServer.start();
  redis = await RedisServer.start({ persistent: true });
  variables = {
    PORT: String(port),
    BASE_URL: url,
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
    SESSION_SECRET: SAMPLE_SECRET,
    REDIS_URL: redis.url,
    RESOURCE_URL: resource.url,
  };
}, 120_000);

afterAll(async () => {
  await provider.stop();
  await resource.stop();
  await redis.dispose();
});

beforeEach(() => {
  browser = new Browser();
  provider.fault = undefined;
  provider.grants.length = 0;
  resource.answerWith(ResourceServer.body);
});

afterEach(async () => {
  await Promise.all(samples.map((sample) => sample.stop()));
  samples = [];
});

/** A process of the app. The first one has the app's public address, others only their own. */
async function start(more: Variables = {}): Promise<Sample> {
  const port = samples.length === 0 ? {} : { PORT: String(await freePort()) };
  const sample = await Sample.start({ ...variables, ...port, ...more });
  samples.push(sample);
  return sample;
}

const logIn = (sample: Sample): Promise<BrowserResponse> => browser.navigate(`${sample.url}/api/profile`);

/** Waits until the access token that a response tells of has expired. */
async function expiryOf({ headers }: BrowserResponse): Promise<void> {
  const seconds = Number(headers['token-expires-in']);
  expect(seconds).toBeLessThanOrEqual(ACCESS_TOKEN_LIFETIME);
  const end = performance.now() + seconds * 1000;
  await eventually(() => expect(performance.now()).toBeGreaterThan(end), 2000);
}

describe('an expired access token', () => {
  it('costs one token request, for five requests to two processes that share Redis', async () => {
    const [first, second] = [await start(), await start()];
    await expiryOf(await logIn(first));
    const answers = await Promise.all(
      [first, second, first, second, first].map(({ url }) => browser.fetch(`${url}/api/resource`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(new Set(resource.tokens.slice(-5)).size).toBe(1);
    expect(provider.grants.filter(({ type }) => type === 'refresh_token')).toEqual([
      { type: 'refresh_token', ok: true },
    ]);
  });

  it('gets 503 while the provider is away; the session is kept, and works again when the provider is back', async () => {
    const sample = await start();
    await expiryOf(await logIn(sample));
    await provider.stop();
    const refused = await browser.fetch(`${sample.url}/api/resource`);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.setCookies).toEqual([]);
    expect((await browser.open(sample.url)).status).toBe(200);

    await provider.listen();
    await eventually(async () => expect((await browser.fetch(`${sample.url}/api/resource`)).status).toBe(200), 1500);
  });

  it('ends the session when the provider refuses to renew it', async () => {
    const sample = await start();
    await expiryOf(await logIn(sample));
    provider.fault = ({ url }, response) => {
      if (url !== '/token') return false;
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
      return true;
    };
    const page = await browser.open(`${sample.url}/dashboard`);
    expect(page.status).toBe(302);
    expect(page.location).toBe('/auth/login?returnTo=%2Fdashboard');
    expect(browser.cookies.has('sid')).toBe(false);
  });
});

describe('Redis', () => {
  it('keeps sessions across a restart of the app, with a new secret in front of the old one', async () => {
    const before = await start();
    await logIn(before);
    await before.stop();
    samples = [];
    const after = await start({ SESSION_SECRET: `n3w-${SAMPLE_SECRET}, ${SAMPLE_SECRET}` });
    expect((await browser.fetch(`${after.url}/api/profile`)).status).toBe(200);
  });

  it('may stop: public routes go on, others get 503 and keep their cookie, and all is well when it is back', async () => {
    const sample = await start();
    await logIn(sample);
    await redis.stop();
    for (const path of ['/', '/health', '/assets/app.css']) {
      expect((await browser.open(sample.url + path)).status).toBe(200);
    }
    for (const path of ['/dashboard', '/api/profile', '/api/resource', '/auth/me']) {
      const refused = await browser.open(sample.url + path);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(refused.setCookies).toEqual([]);
    }
    await eventually(async () =>
      expect((await browser.fetch(`${sample.url}/health`)).json()).toMatchObject({ store: 'unavailable' }),
    );

    await redis.start();
    await eventually(async () => expect((await browser.fetch(`${sample.url}/api/profile`)).status).toBe(200), 1000);
    await eventually(async () =>
      expect((await browser.fetch(`${sample.url}/health`)).json()).toMatchObject({ store: 'available' }),
    );
    // Each change is said once.
    expect(sample.output.match(/\[Redis\].* not reachable/gu)).toHaveLength(1);
  });

  it('may be away at the start: the app comes up, answers 503, and works when Redis is there', async () => {
    await redis.stop();
    const sample = await start();
    browser.cookies.set('sid', 'A'.repeat(43));
    expect((await browser.open(sample.url)).status).toBe(200);
    expect((await browser.fetch(`${sample.url}/api/profile`)).status).toBe(503);
    await redis.start();
    browser.cookies.clear();
    await eventually(async () => expect((await logIn(sample)).status).toBe(200), 1000);
  });

  it('may be away at the end', async () => {
    const sample = await start();
    await redis.stop();
    samples = [];
    expect((await sample.stop()).status).toBe(0);
    await redis.start();
  });

  it('is closed to whoever reads the log: its password is not in there', async () => {
    const sample = await start({ REDIS_URL: `redis://user:pa55word@localhost:${await freePort()}` });
    await eventually(() => expect(sample.output).toContain('not reachable'));
    expect(sample.output).not.toContain('pa55word');
  });
});

describe('SIGTERM', () => {
  it('lets a request in flight finish, waits for no idle connection, and ends with 0', async () => {
    const sample = await start();
    await logIn(sample);
    const [asked, answered] = [gate(), gate()];
    resource.answer = async (_request, response) => {
      asked.open();
      await answered.passed;
      response.end('{"late":true}');
    };
    // One connection that was used, one that never was.
    const agent = new Agent({ keepAlive: true });
    await once(
      httpRequest(sample.url, { agent })
        .end()
        .on('response', (response) => response.resume()),
      'close',
    );
    const idle = connect(Number(new URL(sample.url).port), 'localhost').on('error', () => undefined);
    await once(idle, 'connect');

    const pending = browser.fetch(`${sample.url}/api/resource`);
    await asked.passed;
    sample.signal('SIGTERM');
    await eventually(() => expect(new Browser().open(sample.url)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/u));
    answered.open();
    expect((await pending).json()).toEqual({ late: true });
    expect((await sample.exit()).status).toBe(0);
    samples = [];
    agent.destroy();
  });

  it('lets a refresh in flight finish, though nobody waits for it any more', async () => {
    const sample = await start();
    await expiryOf(await logIn(sample));
    const [asked, answered] = [gate(), gate()];
    provider.fault = async ({ url }) => {
      if (url === '/token') {
        asked.open();
        await answered.passed;
      }
      return false;
    };
    const abandoned = httpRequest(`${sample.url}/api/profile`, {
      headers: { cookie: `sid=${browser.cookies.get('sid') ?? ''}`, accept: 'application/json' },
    });
    abandoned.on('error', () => undefined).end();
    await asked.passed;
    abandoned.destroy();
    sample.signal('SIGTERM');
    await eventually(() => expect(new Browser().open(sample.url)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/u));
    answered.open();
    expect((await sample.exit()).status).toBe(0);
    samples = [];
    expect(provider.grants.filter(({ type }) => type === 'refresh_token')).toEqual([
      { type: 'refresh_token', ok: true },
    ]);

    // What it got from the provider is in Redis.
    const next = await start();
    expect((await browser.fetch(`${next.url}/api/profile`)).status).toBe(200);
    expect(provider.grants.filter(({ ok }) => !ok)).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends an app that does nothing with 0: %s', async (signal) => {
    const sample = await Sample.start();
    sample.signal(signal);
    const { status, stderr } = await sample.exit();
    expect(status).toBe(0);
    expect(stderr).toBe('');
  });
});
