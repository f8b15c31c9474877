import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Browser } from '../support/browser.js';
import { logOutAt } from '../support/provider-logout.js';
import { ResourceServer, type Answer } from '../support/resource-server.js';
import { Sample, SAMPLE_SECRET } from '../support/sample.js';
import { freePort } from '../support/free-port.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';

let sample: Sample;
let provider: TestProvider;
let resource: ResourceServer;
let browser: Browser;

beforeAll(async () => {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  provider = await TestProvider.start({
    redirectUris: [`${url}/auth/callback`],
    postLogoutRedirectUris: [`${url}/`],
    client: { backchannel_logout_uri: `${url}/auth/backchannel-logout`, backchannel_logout_session_required: true },
    configuration: {
      features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true },
        rpInitiatedLogout: { enabled: true },
        backchannelLogout: { enabled: true },
      },
    },
  });
  resource = await ResourceServer.start();
  sample = await Sample.start({
    PORT: String(port),
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
    SESSION_SECRET: SAMPLE_SECRET,
    RESOURCE_URL: resource.url,
  });
}, 120_000);

afterAll(async () => {
  await sample.stop();
  await provider.stop();
  await resource.stop();
});

beforeEach(() => {
  browser = new Browser();
  resource.answerWith(ResourceServer.body);
});

const at = (path: string): string => sample.url + path;
const logIn = (): Promise<unknown> => browser.navigate(at('/api/profile'));
const note = (body: string, headers: Readonly<Record<string, string>> = {}): ReturnType<Browser['fetch']> =>
  browser.fetch(at('/api/notes'), {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });

describe('a visitor', () => {
  it('sees the front page and a way to log in', async () => {
    const page = await browser.open(at('/'));
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('href="/auth/login?returnTo=/dashboard"');
    expect(page.setCookies).toEqual([]);
  });

  it.each([
    ['a navigation', { 'sec-fetch-mode': 'navigate', accept: '*/*' }],
    ['a browser that does not say so', { accept: 'text/html,*/*' }],
  ])('is asked to log in on a protected page: %s', async (_title, headers) => {
    const answer = await browser.send(at('/dashboard?tab=1'), { headers });
    expect(answer.status).toBe(302);
    expect(answer.location).toBe('/auth/login?returnTo=%2Fdashboard%3Ftab%3D1');
  });

  it.each([
    ['GET', '/api/profile'],
    ['GET', '/api/resource'],
    ['GET', '/dashboard'],
    ['GET', '/auth/me'],
    ['POST', '/api/notes'],
  ])('gets 401 in JSON for a request of a script: %s %s', async (method, path) => {
    const answer = await browser.fetch(at(path), { method });
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ error: 'login_required' });
  });

  it('may log out, which changes nothing', async () => {
    const answer = await browser.fetch(at('/auth/logout'), { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ redirectTo: '/' });
  });

  it('gets the 404 of Nest where there is no route', async () => {
    const answer = await browser.fetch(at('/api/nothing'));
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ statusCode: 404 });
  });

  it('gets styles and scripts, and no file beside them', async () => {
    const { headers } = await browser.open(at('/assets/app.css'));
    expect(headers['content-type']).toMatch(/^text\/css/u);
    expect(headers['cache-control']).toBe('no-cache');
    expect((await browser.open(at('/assets/dashboard.js'))).headers['content-type']).toMatch(/^text\/javascript/u);
    for (const path of ['/assets/../main.ts', '/assets/%2e%2e/main.ts', '/assets/..%2fdist/main.js']) {
      expect((await browser.open(at(path))).status).not.toBe(200);
    }
  });
});

describe('login', () => {
  it('sends the browser to the provider with everything that a safe request needs', async () => {
    const { status, location = '' } = await browser.open(at('/auth/login?returnTo=/dashboard'));
    const url = new URL(location);
    expect(status).toBe(302);
    expect(url.origin + url.pathname).toBe(`${provider.issuer}/auth`);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: CLIENT_ID,
      redirect_uri: at('/auth/callback'),
      response_type: 'code',
      scope: 'openid profile email offline_access',
      code_challenge_method: 'S256',
    });
  });

  it('ends at the page that was asked for', async () => {
    const page = await browser.navigate(at('/dashboard?tab=1'));
    expect(page.url).toBe(at('/dashboard?tab=1'));
    expect(page.status).toBe(200);
    expect(page.body).toContain('alice of Wonderland');
    expect((await browser.open(at('/'))).body).toContain('alice of Wonderland');
  });

  it('does not lead off the site', async () => {
    const page = await browser.navigate(at('/auth/login?returnTo=//evil.example/'));
    expect(page.url).toBe(at('/'));
  });

  it.each([
    ['nothing', ''],
    ['a state of nobody', '?code=abc&state=xyz'],
    ['an error', '?error=access_denied&state=xyz'],
  ])('refuses a callback with %s, shows nothing of it, and leaves a session as it was', async (_title, query) => {
    const stranger = await new Browser().open(at(`/auth/callback${query}`));
    expect(stranger.status).toBeGreaterThanOrEqual(400);
    expect(stranger.status).toBeLessThan(500);
    expect(stranger.setCookies.filter((cookie) => cookie.startsWith('sid='))).toEqual([]);
    expect(stranger.body).not.toMatch(/abc|xyz|at .+\.js/u);

    await logIn();
    await browser.open(at(`/auth/callback${query}`));
    expect((await browser.fetch(at('/api/profile'))).status).toBe(200);
  });
});

describe('a user', () => {
  beforeEach(logIn);

  it('finds their claims at /api/profile and /auth/me', async () => {
    for (const path of ['/api/profile', '/auth/me']) {
      const answer = await browser.fetch(at(path));
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
    }
  });

  it('gets the answer of the API that is called with their access token', async () => {
    const answer = await browser.fetch(at('/api/resource'));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.json()).toEqual(ResourceServer.body);
    expect(resource.tokens.at(-1)).toMatch(/^[\w.-]{20,}$/u);
  });

  it.each([['a string'], [null], [0], [[1, 2]]])('gets it whatever JSON it is: %j', async (body) => {
    resource.answerWith(body);
    expect((await browser.fetch(at('/api/resource'))).json()).toEqual(body);
  });

  const failures: readonly (readonly [string, Answer])[] = [
    ['fails', (_request, response) => void response.writeHead(500).end('{}')],
    ['refuses the token', ({ headers }, response) => void response.writeHead(401).end(headers.authorization)],
    ['does not speak JSON', ({ headers }, response) => void response.writeHead(200).end(headers.authorization)],
    ['redirects', (_request, response) => void response.writeHead(302, { location: resource.url }).end()],
    ['hangs up', ({ socket }) => void socket.destroy()],
  ];

  it.each(failures)('gets 502 when that API %s', async (_title, answer) => {
    resource.answer = answer;
    const failed = await browser.fetch(at('/api/resource'));
    expect(failed.status).toBe(502);
    expect(failed.body).not.toContain(resource.tokens.at(-1));
  });

  it('learns what a request cost and how long token and session last, not what they are', async () => {
    const { headers } = await browser.fetch(at('/api/profile'));
    expect(headers['server-timing']).toMatch(/^auth;dur=\d+\.\d+, app;dur=\d+\.\d+$/u);
    expect(Number(headers['token-expires-in'])).toBeGreaterThan(0);
    expect(Number(headers['session-expires-in'])).toBeGreaterThan(0);
  });

  it('adds a note, and gets its text and nothing else of the body', async () => {
    const answer = await note(JSON.stringify({ text: 'Tea at six <b>', id: 7 }));
    expect(answer.status).toBe(201);
    expect(answer.json()).toEqual({ text: 'Tea at six <b>' });
  });

  it.each([
    ['no text', '{}'],
    ['a text that is none', '{"text":1}'],
    ['a list', '["text"]'],
    ['null', 'null'],
    ['broken JSON', '{"text":'],
    ['nothing', ''],
  ])('gets 400 for a note of %s', async (_title, body) => {
    expect((await note(body)).status).toBe(400);
  });

  it('gets 400 for a note from a plain form', async () => {
    expect((await note('text=hello', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(400);
  });

  it('adds no note and is not logged out for the page of another site', async () => {
    const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await note('{"text":"x"}', evil)).status).toBe(403);
    expect((await browser.fetch(at('/auth/logout'), { method: 'POST', headers: evil })).status).toBe(403);
    expect((await browser.fetch(at('/api/profile'))).status).toBe(200);
  });

  it('is logged out by a form, and sent on to the provider', async () => {
    const answer = await browser.send(at('/auth/logout'), {
      method: 'POST',
      headers: {
        origin: sample.url,
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-site': 'same-origin',
      },
    });
    expect(answer.status).toBe(303);
    expect(answer.location).toMatch(new RegExp(`^${provider.issuer}/session/end\\?`, 'u'));
    expect(browser.cookies.has('sid')).toBe(false);
    expect((await browser.fetch(at('/api/profile'))).status).toBe(401);
  });

  it('is logged out by a script, which is told where to go', async () => {
    const cookie = browser.cookies.get('sid') ?? '';
    const answer = await browser.fetch(at('/auth/logout'), { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(answer.json()['redirectTo']).toMatch(new RegExp(`^${provider.issuer}/session/end\\?`, 'u'));
    browser.cookies.set('sid', cookie);
    expect((await browser.fetch(at('/auth/me'))).status).toBe(401);
  });

  it('is logged out while the provider is away', async () => {
    const cookie = browser.cookies.get('sid') ?? '';
    await provider.stop();
    const answer = await browser.fetch(at('/auth/logout'), { method: 'POST' });
    await provider.listen();
    expect(answer.status).toBe(200);
    browser.cookies.set('sid', cookie);
    expect((await browser.fetch(at('/api/profile'))).status).toBe(401);
  });
});

describe('the provider', () => {
  it('logs a user out over the back channel', async () => {
    await logIn();
    const other = new Browser();
    await other.navigate(at('/api/profile'));
    expect((await logOutAt(`${provider.issuer}/session/end`, browser)).status).toBe(303);
    expect((await browser.fetch(at('/api/profile'))).status).toBe(401);
    expect((await other.fetch(at('/api/profile'))).status).toBe(200);
  });

  it.each([
    ['nothing', ''],
    ['no logout token', 'token=x'],
    ['what is no logout token', 'logout_token=x'],
    ['two of them', 'logout_token=x&logout_token=y'],
  ])('gets 400 when it sends %s', async (_title, body) => {
    const answer = await new Browser().send(at('/auth/backchannel-logout'), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    expect([answer.status, answer.json()]).toEqual([400, { error: 'invalid_request' }]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.setCookies).toEqual([]);
  });
});

describe('the app', () => {
  it('tells the health of its parts', async () => {
    const answer = await browser.fetch(at('/health'));
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ status: 'ok', store: 'available', provider: 'available' });
  });

  it('keeps pages out of caches and frames, and lets in scripts of its own only', async () => {
    await logIn();
    for (const path of ['/', '/dashboard', '/api/profile', '/api/resource']) {
      const { headers } = await browser.open(at(path));
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['content-security-policy']).toMatch(
        /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/u,
      );
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/u);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-powered-by']).toBeUndefined();
    }
  });

  it('shows no token to browser or log', async () => {
    await logIn();
    const answers = await Promise.all(
      ['/', '/dashboard', '/api/profile', '/api/resource', '/auth/me', '/health'].map((path) => browser.open(at(path))),
    );
    const seen = answers.map(({ body, headers }) => body + JSON.stringify(headers)).join('\n') + sample.output;
    expect(resource.tokens.filter((token) => seen.includes(token))).toEqual([]);
    // A JWT, e.g. the ID token.
    expect(seen).not.toMatch(/eyJ[\w-]+\.[\w-]+\./u);
    expect(seen).not.toContain(CLIENT_SECRET);
  });
});
