import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { OidcOptions } from 'nest-oidc';
import { connect } from 'node:net';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { JWT } from '../support/canary.js';
import { ACCESS_TOKEN, REFRESH_TOKEN, ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, SECRET, type TestApp } from '../support/test-app.js';
import { CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const PENDING = /^oidc\.tx\./u;

describe.each(platforms)('an authorization response on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    provider.reset();
    browser = new Browser();
  });

  const pending = (of = browser): string[] => [...of.cookies.keys()].filter((name) => PENDING.test(name));

  /** Starts a login and comes back from the provider, up to the door of the callback. */
  async function comeBack(of = browser): Promise<URL> {
    const atCallback = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
    return new URL((await of.navigate(`${app.url}/auth/login?returnTo=/profile`, atCallback)).url);
  }

  const profileOf = (of = browser): Promise<BrowserResponse> => of.fetch(`${app.url}/profile`);

  function expectRefusal(answer: BrowserResponse, code: string, status = 400): void {
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(code);
    expect(answer.setCookies.filter((cookie) => /^sid=[^;]/u.test(cookie))).toEqual([]);
    expect(provider.count('/token')).toBe(0);
  }

  describe('of a login of this browser', () => {
    it('makes a session with a new id and leads to returnTo by 303, with neither code nor state in the address [CB-09]', async () => {
      const answer = await browser.open((await comeBack()).href);
      expect(answer).toMatchObject({ status: 303, location: '/profile', body: '' });
      expect(pending()).toEqual([]);
      expect((await profileOf()).status).toBe(200);
    });

    it('ends the session that the browser had, and gives the new one another id [CB-09] [CB-10]', async () => {
      await browser.open((await comeBack()).href);
      const old = browser.cookies.get('sid') ?? '';
      await browser.open((await comeBack()).href);
      expect(browser.cookies.get('sid')).not.toBe(old);
      const thief = new Browser();
      thief.cookies.set('sid', old);
      expect((await profileOf(thief)).status).toBe(401);
    });

    it('never adopts a session id that was planted [CB-09]', async () => {
      const planted = 'A'.repeat(43);
      browser.cookies.set('sid', planted);
      await browser.open((await comeBack()).href);
      expect(browser.cookies.get('sid')).not.toBe(planted);
      const attacker = new Browser();
      attacker.cookies.set('sid', planted);
      expect((await profileOf(attacker)).status).toBe(401);
    });

    it('gives every login a session id of its own [CB-09]', async () => {
      const ids = new Set<string | undefined>();
      for (let login = 0; login < 20; login += 1) {
        await browser.open((await comeBack()).href);
        ids.add(browser.cookies.get('sid'));
      }
      expect(ids.size).toBe(20);
    });

    it('completes exactly one login however many times it arrives at once [CB-03]', async () => {
      const callback = await comeBack();
      const cookies = new Map(browser.cookies);
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => {
          const tab = new Browser();
          for (const [name, value] of cookies) tab.cookies.set(name, value);
          return tab.open(callback.href);
        }),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array.from({ length: 9 }, () => 400)]);
      expect(provider.count('/token')).toBe(1);
    });

    it('is refused when it comes a second time, and the session it made goes on [CB-03] [CB-12]', async () => {
      const callback = await comeBack();
      const cookies = new Map(browser.cookies);
      await browser.open(callback.href);
      const session = browser.cookies.get('sid');
      for (const [name, value] of cookies) browser.cookies.set(name, value);
      provider.requests = [];
      expectRefusal(await browser.open(callback.href), 'transaction_used');
      expect(browser.cookies.get('sid')).toBe(session);
      expect((await profileOf()).status).toBe(200);
    });

    it('is refused, by the clock of the server, ten minutes after the login began [ARQ-05]', async () => {
      const time = new TimeTravel();
      try {
        const callback = await comeBack();
        time.forward(601);
        expectRefusal(await browser.open(callback.href), 'transaction_expired');
      } finally {
        time.end();
      }
    });

    it('is accepted shortly before the ten minutes are over [ARQ-05]', async () => {
      const time = new TimeTravel();
      try {
        const callback = await comeBack();
        time.forward(595);
        expect((await browser.open(callback.href)).status).toBe(303);
      } finally {
        time.end();
      }
    });

    it('sends no access token, refresh token, ID token or secret to the browser [CB-09]', async () => {
      const callback = await comeBack();
      const answer = await browser.open(callback.href);
      const sent = JSON.stringify(answer) + JSON.stringify(await profileOf());
      for (const secret of [ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET]) expect(sent).not.toContain(secret);
      expect(sent).not.toMatch(JWT);
    });
  });

  describe('that belongs to no login of this browser', () => {
    it('is refused without a state [CB-01]', async () => {
      const callback = await comeBack();
      callback.searchParams.delete('state');
      expectRefusal(await browser.open(callback.href), 'state_missing');
      callback.searchParams.set('state', '');
      expectRefusal(await browser.open(callback.href), 'state_missing');
    });

    it('is refused with the state of nobody [CB-01]', async () => {
      const callback = await comeBack();
      callback.searchParams.set('state', 'A'.repeat(43));
      expectRefusal(await browser.open(callback.href), 'transaction_missing');
    });

    it('is refused in a browser without the cookie of the login, even with a code that is good [CB-02]', async () => {
      const callback = await comeBack();
      expectRefusal(await new Browser().open(callback.href), 'transaction_missing');
    });

    it('is refused in the browser of somebody else who is logging in as well [CB-01]', async () => {
      const attacker = new Browser();
      const callbackOfAttacker = await comeBack(attacker);
      await comeBack();
      expectRefusal(await browser.open(callbackOfAttacker.href), 'transaction_missing');
    });

    it('is refused when the cookie of another login is put under its name [CB-01]', async () => {
      const attacker = new Browser();
      const callbackOfAttacker = await comeBack(attacker);
      const [name = ''] = pending(attacker);
      await comeBack();
      browser.cookies.set(name, [...browser.cookies.values()][0] ?? '');
      expectRefusal(await browser.open(callbackOfAttacker.href), 'transaction_invalid');
    });

    it.each([
      ['changed in one bit', (value: string) => value.replace(/.{10}$/u, 'AAAAAAAAAA')],
      ['cut off', (value: string) => value.slice(0, -4)],
      ['empty', () => ''],
      ['something else', () => 'x'.repeat(1000)],
      ['plain JSON', () => Buffer.from('{"state":"a"}').toString('base64url')],
      ['of a newer version', (value: string) => `Ag${value.slice(2)}`],
    ])('is refused when the cookie of the login is %s [CB-02] [ARQ-04]', async (_, bend) => {
      const callback = await comeBack();
      const [name = ''] = pending();
      browser.cookies.set(name, bend(browser.cookies.get(name) ?? ''));
      expectRefusal(await browser.open(callback.href), 'transaction_invalid');
    });

    it('is refused when the cookie of the login is there twice [CB-02]', async () => {
      const callback = await comeBack();
      const [name = ''] = pending();
      const cookie = `${name}=${browser.cookies.get(name)}`;
      expectRefusal(await browser.open(callback.href, { cookie: `${cookie}; ${cookie}` }), 'transaction_missing');
    });

    it('leaves other logins of the browser as they are [CB-01]', async () => {
      const callback = await comeBack();
      const before = new Map(browser.cookies);
      await browser.open(`${app.url}/auth/callback?code=x&state=${'A'.repeat(43)}`);
      await browser.open(`${app.url}/auth/callback?code=x`);
      expect(browser.cookies).toEqual(before);
      expect((await browser.open(callback.href)).status).toBe(303);
    });

    it('leaves the session of the browser as it is [CB-01]', async () => {
      await browser.open((await comeBack()).href);
      const session = browser.cookies.get('sid');
      await browser.open(`${app.url}/auth/callback?code=x&state=${'A'.repeat(43)}`);
      expect(browser.cookies.get('sid')).toBe(session);
      expect((await profileOf()).status).toBe(200);
    });
  });

  describe('of a login that was started with another configuration [ARQ-04]', () => {
    const asOptions: readonly (readonly [string, Partial<OidcOptions>])[] = [
      ['another client', { clientId: 'another-client' }],
      ['another redirect URI', { baseUrl: 'http://localhost:1' }],
    ];

    it.each(asOptions)('is refused: %s', async (_, options) => {
      const callback = await comeBack();
      const other = await startAppAt(provider, { platform, options });
      try {
        const answer = await browser.open(`${other.url}/auth/callback${callback.search}`);
        expectRefusal(answer, 'provider_mismatch');
      } finally {
        await other.close();
      }
    });

    it('is refused: another provider', async () => {
      const callback = await comeBack();
      const another = await ScriptedProvider.start();
      const other = await startAppAt(another, { platform, options: { baseUrl: app.url } });
      try {
        callback.searchParams.delete('iss');
        expectRefusal(await browser.open(`${other.url}/auth/callback${callback.search}`), 'provider_mismatch');
        expect(another.count('/token')).toBe(0);
      } finally {
        await other.close();
        await another.stop();
      }
    });

    it('is refused: another secret, which cannot read it', async () => {
      const callback = await comeBack();
      const secret = 'n2Kq-another-secret-for-tests-Xw8Lr5Bv';
      const other = await startAppAt(provider, { platform, options: { baseUrl: app.url, secret } });
      try {
        expectRefusal(await browser.open(`${other.url}/auth/callback${callback.search}`), 'transaction_invalid');
      } finally {
        await other.close();
      }
    });

    it('is accepted when the secret was rotated and the old one is still listed', async () => {
      const callback = await comeBack();
      const secret = ['n2Kq-another-secret-for-tests-Xw8Lr5Bv', SECRET];
      const other = await startAppAt(provider, { platform, options: { baseUrl: app.url, secret } });
      try {
        expect((await browser.open(`${other.url}/auth/callback${callback.search}`)).status).toBe(303);
      } finally {
        await other.close();
      }
    });
  });

  it('is taken by GET alone: as a form that is posted it changes nothing [CB-14]', async () => {
    const callback = await comeBack();
    const before = new Map(browser.cookies);
    for (const body of [callback.search.slice(1), '']) {
      const answer = await browser.send(body ? `${app.url}/auth/callback` : callback.href, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
        body,
      });
      expect([404, 405, 415]).toContain(answer.status);
      expect(answer.setCookies).toEqual([]);
    }
    expect(browser.cookies).toEqual(before);
    expect(provider.count('/token')).toBe(0);
    expect((await browser.open(callback.href)).status).toBe(303);
  });

  describe('with parameters that it must not have', () => {
    it.each(['code', 'state', 'iss', 'error', 'response', 'id_token', 'access_token', 'token'])(
      'is refused when it repeats %s [CB-05]',
      async (name) => {
        const callback = await comeBack();
        const value = callback.searchParams.get(name) ?? 'x';
        callback.searchParams.set(name, value);
        callback.searchParams.append(name, value);
        expectRefusal(await browser.open(callback.href), 'duplicate_parameter');
      },
    );

    it.each(['code[]', 'code[0]', 'state[]'])('is not read from %s, as some parsers would [CB-05]', async (name) => {
      const callback = await comeBack();
      const plain = name.replace(/\[.*/u, '');
      const value = callback.searchParams.get(plain) ?? '';
      callback.searchParams.delete(plain);
      callback.searchParams.set(name, value);
      expect((await browser.open(callback.href)).status).toBe(400);
      expect(provider.count('/token')).toBe(0);
    });

    it.each(['response', 'id_token', 'access_token', 'token'])(
      'is refused when it has %s, of another flow [CB-06] [ARQ-01]',
      async (name) => {
        const callback = await comeBack();
        callback.searchParams.set(name, 'x');
        expectRefusal(await browser.open(callback.href), 'unexpected_parameter');
      },
    );

    it('is refused without a code [CB-01]', async () => {
      const callback = await comeBack();
      callback.searchParams.delete('code');
      expectRefusal(await browser.open(callback.href), 'code_missing');
    });

    it.each([
      ['of another issuer', 'https://evil.example'],
      ['with a slash at its end', undefined],
      ['that is empty', ''],
    ])('is refused with an iss %s, and nothing is asked there [CB-04] [NET-08]', async (_, iss) => {
      const callback = await comeBack();
      callback.searchParams.set('iss', iss ?? `${provider.issuer}/`);
      provider.requests = [];
      expectRefusal(await browser.open(callback.href), 'iss_mismatch');
      expect(provider.requests).toEqual([]);
    });

    it('is accepted without iss while the provider does not promise one [CB-04]', async () => {
      const callback = await comeBack();
      callback.searchParams.delete('iss');
      expect((await browser.open(callback.href)).status).toBe(303);
    });

    it('is refused without iss when the provider promises one [CB-04]', async () => {
      provider.script.discovery = (document) => ({
        ...document,
        authorization_response_iss_parameter_supported: true,
      });
      const promising = await startAppAt(provider, { platform });
      try {
        const stop = (url: string): boolean => url.startsWith(`${promising.url}/auth/callback`);
        const callback = new URL((await browser.navigate(`${promising.url}/auth/login`, stop)).url);
        callback.searchParams.delete('iss');
        expectRefusal(await browser.open(callback.href), 'iss_missing');
      } finally {
        await promising.close();
      }
    });
  });

  describe('that reports an error [CB-07]', () => {
    const reportError = async (error: string): Promise<BrowserResponse> => {
      const callback = await comeBack();
      callback.searchParams.delete('code');
      callback.searchParams.set('error', error);
      callback.searchParams.set('error_description', '<script>alert(1)</script> call 555-1234');
      callback.searchParams.set('error_uri', 'https://evil.example');
      return browser.open(callback.href);
    };

    it('shows a page of our own when the user cancelled, with nothing that the provider wrote', async () => {
      const answer = await reportError('access_denied');
      expectRefusal(answer, 'Login cancelled', 401);
      expect(answer.body).toContain('<a href="/auth/login?returnTo=%2Fprofile">Start again</a>');
      expect(answer.body).not.toMatch(/<script|555-1234|evil/u);
      expect(pending()).toEqual([]);
    });

    it.each([
      ['login_required', 401],
      ['invalid_request', 400],
      ['server_error', 400],
      ['temporarily_unavailable', 503],
      ['<img src=x onerror=alert(1)>', 400],
      ['', 400],
    ])('answers %j with %i and a fixed text', async (error, status) => {
      const answer = await reportError(error);
      expectRefusal(answer, 'op_error', status);
      expect(answer.body).not.toMatch(/<script|<img|555-1234|evil/u);
      expect(answer.headers['retry-after'] !== undefined).toBe(status === 503);
      expect(answer.body.includes('The login service refused this login.')).toBe(status === 400);
    });

    it('names a known code in the log, and any other as other', async () => {
      await reportError('access_denied');
      await reportError('made_up\r\nforged line');
      const reasons = app.events.flatMap((event) => (event.name === 'request.failed' ? [event.reason] : []));
      expect(reasons.slice(-2)).toEqual(['access_denied', 'other']);
    });

    it('has no code beside it that is used', async () => {
      const callback = await comeBack();
      callback.searchParams.set('error', 'access_denied');
      expectRefusal(await browser.open(callback.href), 'Login cancelled', 401);
      expectRefusal(await browser.open(callback.href), 'transaction_missing');
    });

    it('is believed only with the state of a login of this browser', async () => {
      await comeBack();
      const answer = await browser.open(`${app.url}/auth/callback?error=access_denied&state=${'A'.repeat(43)}`);
      expectRefusal(answer, 'transaction_missing');
      expect(pending()).toHaveLength(1);
    });
  });

  describe('that is no navigation of the user', () => {
    it.each<[string, string, Record<string, string>]>([
      ['HEAD', 'HEAD', {}],
      ['OPTIONS', 'OPTIONS', {}],
      ['POST', 'POST', {}],
      ['a prefetch', 'GET', { 'sec-purpose': 'prefetch' }],
      ['a prerender', 'GET', { 'sec-purpose': 'prefetch;prerender' }],
      ['a prefetch of an older browser', 'GET', { purpose: 'prefetch' }],
      ['an iframe', 'GET', { 'sec-fetch-dest': 'iframe' }],
      ['an image', 'GET', { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' }],
      ['a script', 'GET', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }],
    ])('uses nothing up when it is %s: the login still completes [CB-13]', async (_, method, headers) => {
      const callback = await comeBack();
      const answer = await browser.send(callback.href, { method, headers });
      expect(answer.setCookies).toEqual([]);
      expect(provider.count('/token')).toBe(0);
      expect((await browser.open(callback.href)).status).toBe(303);
    });
  });

  it('tells the token endpoint the configured redirect URI, whatever address the request names [CB-08] [CFG-03]', async () => {
    const callback = await comeBack();
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await raw(app.url, [
      `GET http://evil.example${callback.pathname}${callback.search} HTTP/1.1`,
      'Host: evil.example',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'Forwarded: host=evil.example;proto=https',
      `Cookie: ${cookie}`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 303/u);
    expect(answer).toMatch(/^location: \/profile\r$/imu);
    expect(provider.to('/token').map(({ params }) => params.get('redirect_uri'))).toEqual([`${app.url}/auth/callback`]);
  });

  describe('that is refused', () => {
    const BASE_HEADERS = {
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
    };

    it('is answered with a page for people, and with JSON for scripts, each with a correlation id [ERR-02]', async () => {
      const url = `${app.url}/auth/callback?code=secret-code&state=secret-state`;
      const page = await browser.open(url);
      expect(page.headers).toMatchObject({ ...BASE_HEADERS, 'content-type': 'text/html; charset=utf-8' });
      expect(page.headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/u);
      expect(page.body).toContain('href="/auth/login"');
      const json = await browser.send(url, { headers: { accept: 'application/json' } });
      expect(json.headers).toMatchObject({ ...BASE_HEADERS, 'content-type': 'application/json; charset=utf-8' });
      expect(json.json()).toEqual({
        error: 'transaction_missing',
        correlationId: expect.stringMatching(/^[\w-]{12}$/u),
      });
      for (const { body } of [page, json])
        expect(body).not.toMatch(/secret-code|secret-state|\.js:|\.ts:|node_modules/u);
      const [event] = app.events.slice(-1);
      expect(event).toMatchObject({ name: 'request.failed', correlationId: json.json()['correlationId'] });
    });

    it('leaves no code, state, token, verifier or secret in any event [CB-07]', async () => {
      const callback = await comeBack();
      provider.script.tokenResponse = (response) => ({ ...response, token_type: 'unheard-of' });
      await browser.open(callback.href);
      await browser.open(`${app.url}/auth/callback?code=secret-code&state=secret-state`);
      const [request] = provider.to('/token');
      const secrets = ['secret-code', 'secret-state', ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET].concat(
        [...callback.searchParams].filter(([name]) => name !== 'iss').map(([, value]) => value),
        request?.params.get('code_verifier') ?? 'no verifier',
      );
      const told = JSON.stringify(app.events);
      for (const secret of secrets) expect(told).not.toContain(secret);
    });

    it('carries the base headers also when it is accepted', async () => {
      const answer = await browser.open((await comeBack()).href);
      expect(answer.headers).toMatchObject(BASE_HEADERS);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(answer.headers.etag).toBeUndefined();
    });
  });
});

/** Sends lines to the application as they are and answers what comes back. */
function raw(url: string, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    socket.write([...lines, 'Connection: close', '', ''].join('\r\n'));
  });
}
