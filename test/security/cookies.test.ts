import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MemorySessionStore, type OidcOptions } from 'nest-oidc';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';

const UNKNOWN = 'A'.repeat(43);
const BASE = 'https://app.example';

describe.each(platforms)('the session cookie on %s', (platform) => {
  const store = new MemorySessionStore();
  const reads = jest.spyOn(store, 'get');
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform, options: { session: { store } } });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(async () => {
    browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
    reads.mockClear();
  });

  const session = (): string => browser.cookies.get('sid') ?? '';
  const ask = (cookie: string, path = '/profile'): Promise<BrowserResponse> =>
    new Browser().fetch(`${app.url}${path}`, { headers: { cookie } });

  it.each([
    ['is empty', ''],
    ['is a character short', 'A'.repeat(42)],
    ['is a character long', 'A'.repeat(44)],
    ['is very long', 'A'.repeat(8000)],
    ['has a character that base64url does not have', `${'A'.repeat(42)}+`],
    ['is quoted', `"${UNKNOWN}"`],
    ['is percent-encoded', `%41${'A'.repeat(42)}`],
    ['is a key of another space', `lock:${'A'.repeat(38)}`],
    ['is a pattern', `*${'A'.repeat(42)}`],
    ['climbs up', `../${'A'.repeat(40)}`],
    ['looks signed', `s:${UNKNOWN}.signature`],
    ['is JSON', 'j:{"a":1}'],
    ['is __proto__', '__proto__'],
    ['has a tab in it', `${'A'.repeat(21)}\t${'A'.repeat(21)}`],
    ['is not ASCII', `${'A'.repeat(42)}\u00e9`],
  ])('never reaches the store when it %s [SES-05]', async (_, value) => {
    const answer = await ask(`sid=${value}`);
    expect(answer.status).toBe(401);
    expect(reads).not.toHaveBeenCalled();
  });

  it('is looked up by its hash: the store never sees what opens a session [SES-02]', async () => {
    expect((await ask(`sid=${session()}`)).status).toBe(200);
    expect(reads).toHaveBeenCalledTimes(1);
    expect(reads.mock.calls[0]?.[0]).not.toBe(session());
  });

  it('is refused and cleared when it is there twice, even if both are the same [COK-05] [LOG-01]', async () => {
    for (const other of [UNKNOWN, session(), '']) {
      for (const cookie of [`sid=${session()}; sid=${other}`, `sid=${other}; sid=${session()}`]) {
        const answer = await ask(cookie);
        expect(answer.status).toBe(401);
        expect(answer.setCookies).toEqual([expect.stringMatching(/^sid=; Max-Age=0; /u)]);
      }
    }
    expect(reads).not.toHaveBeenCalled();
    expect(app.events).toContainEqual({ name: 'session.duplicate_cookie' });
  });

  it('is cleared when it names no session, on the way to the login [SES-01] [COK-03]', async () => {
    const answer = await new Browser().open(`${app.url}/profile`, { cookie: `sid=${UNKNOWN}` });
    expect(answer.status).toBe(302);
    expect(answer.setCookies).toEqual([expect.stringMatching(/^sid=; Max-Age=0; .*Path=\/; HttpOnly; SameSite=Lax$/u)]);
  });

  it.each(['/profile', '/auth/me'])(
    'is left by the answer 401 to a script on %s, which may come later than the cookie of a new login',
    async (path) => {
      const answer = await ask(`sid=${UNKNOWN}`, path);
      expect(answer).toMatchObject({ status: 401, setCookies: [] });
      expect(answer.headers['cache-control']).toBe('no-store');
    },
  );

  it.each(['Sid', 'SID', 'sid2', 'xsid', 'x-sid', '__Host-sid', ' sid x'])('is not mistaken for %j', async (name) => {
    expect((await ask(`${name}=${session()}`)).status).toBe(401);
    expect((await ask(`${name}=${UNKNOWN}; sid=${session()}`)).status).toBe(200);
  });

  it('is never set for visitors [SES-08]', async () => {
    for (const path of ['/', '/maybe', '/profile', '/auth/me', '/auth/callback', '/nowhere']) {
      for (const answer of [
        await new Browser().fetch(`${app.url}${path}`),
        await new Browser().open(`${app.url}${path}`),
      ]) {
        expect(answer.setCookies).toEqual([]);
      }
    }
  });

  it('is not set again by requests that only use it', async () => {
    for (const path of ['/', '/maybe', '/profile', '/auth/me']) {
      expect((await browser.fetch(`${app.url}${path}`)).setCookies).toEqual([]);
    }
  });

  it('is found among two thousand others [DOS-03]', async () => {
    const others = Array.from({ length: 2000 }, (_, index) => `c${index}=`).join(';');
    expect((await ask(`${others};sid=${session()}`)).status).toBe(200);
    expect((await ask(`sid=${session()};${others}`)).status).toBe(200);
  });

  it('is given to a browser with hundreds of cookies of forged logins, which are cleared a few at a time [DOS-02] [COK-02]', async () => {
    for (let index = 0; index < 300; index += 1) browser.cookies.set(`oidc.tx.${String(index).padStart(8, '0')}`, 'x');
    for (let login = 1; login <= 16; login += 1) {
      const { url, headers } = await browser.navigate(`${app.url}/auth/login?returnTo=/profile`);
      expect(url).toBe(`${app.url}/profile`);
      expect(headers['set-cookie']).toBeUndefined();
    }
    expect([...browser.cookies.keys()]).toEqual(['sid']);
  });

  it('is given in answers that proxies can hold, however many cookies are to be cleared [DOS-02]', async () => {
    const forged = Array.from({ length: 500 }, (_, index) => `oidc.tx.${String(index).padStart(8, '0')}=x`).join('; ');
    const login = await new Browser().open(`${app.url}/auth/login`, { cookie: forged });
    const logout = await new Browser().fetch(`${app.url}/auth/logout`, { method: 'POST', headers: { cookie: forged } });
    expect([login.status, logout.status]).toEqual([302, 200]);
    for (const { setCookies } of [login, logout]) expect(setCookies.join('').length).toBeLessThan(4096);
  });

  /** Logs in at an application that is public elsewhere: what its proxy does is done by hand. */
  async function cookiesOfLogin(options: Partial<OidcOptions>): Promise<readonly string[]> {
    const other = await startAppAt(provider, { platform, options: { baseUrl: BASE, ...options } });
    try {
      const atCallback = (url: string): boolean => url.startsWith(BASE);
      const { url } = await browser.navigate(`${other.url}/auth/login`, atCallback);
      return (await browser.open(url.replace(BASE, other.url))).setCookies;
    } finally {
      await other.close();
    }
  }

  it('is host-only, HttpOnly and SameSite=Lax on loopback [COK-01]', async () => {
    const atCallback = (url: string): boolean => url.includes('/auth/callback');
    const { url } = await browser.navigate(`${app.url}/auth/login`, atCallback);
    const [set] = (await browser.open(url)).setCookies;
    expect(set).toMatch(/^sid=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/u);
  });

  it('has the prefix __Host- and is Secure when the application is public by https [COK-01] [COK-03]', async () => {
    const [cookie, cleared] = await cookiesOfLogin({});
    expect(cookie).toMatch(/^__Host-sid=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/u);
    expect(cleared).toMatch(
      /^__Host-oidc\.tx\.[\w-]{8}=; Max-Age=0; Expires=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/u,
    );
  });

  it('can be strict, and then the one of a login under way stays lax [COK-01]', async () => {
    const [cookie, cleared] = await cookiesOfLogin({ session: { cookie: { sameSite: 'strict' } } });
    expect(cookie).toMatch(/; SameSite=Strict$/u);
    expect(cleared).toMatch(/; SameSite=Lax$/u);
  });

  it.each<[string | undefined, 'lax' | 'strict']>([
    [BASE, 'lax'],
    [BASE, 'strict'],
    [undefined, 'lax'],
  ])(
    'is taken away as it was given, and so is that of a login under way: at %s, %s [COK-03]',
    async (baseUrl, sameSite) => {
      const other = await startAppAt(provider, {
        platform,
        options: { ...(baseUrl && { baseUrl }), session: { store, cookie: { sameSite } } },
      });
      try {
        const user = new Browser();
        const { url } = await user.navigate(`${other.url}/auth/login`, (at) => at.includes('/auth/callback'));
        const [given, ended] = (await user.open(url.replace(BASE, other.url))).setCookies;
        const [begun] = (await user.open(`${other.url}/auth/login`)).setCookies;
        const origin = baseUrl ?? other.url;
        const [taken] = (await user.fetch(`${other.url}/auth/logout`, { method: 'POST', headers: { origin } }))
          .setCookies;
        expect(taken).toMatch(/=; Max-Age=0; /u);
        expect(lasting(taken)).toEqual(lasting(given));
        expect(lasting(ended)).toEqual(lasting(begun));
      } finally {
        await other.close();
      }
    },
  );

  it.each<[string, Record<string, string>, RegExp]>([
    [BASE, { 'x-forwarded-proto': 'http', forwarded: 'proto=http', host: 'evil.example' }, /; Secure; /u],
    [
      '',
      { 'x-forwarded-proto': 'https', forwarded: 'proto=https', host: 'evil.example' },
      /^sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/u,
    ],
  ])(
    'has the flags that baseUrl asks for, whatever a request or a proxy says: %j [HST-01]',
    async (baseUrl, headers, flags) => {
      const other = await startAppAt(provider, { platform, options: baseUrl ? { baseUrl } : {} });
      try {
        const { url } = await browser.navigate(`${other.url}/auth/login`, (at) => at.includes('/auth/callback'));
        const [cookie] = (await browser.open(url.replace(BASE, other.url), headers)).setCookies;
        expect(cookie).toMatch(flags);
        expect(cookie).not.toMatch(/domain=/iu);
      } finally {
        await other.close();
      }
    },
  );

  it('lasts as long as the session may when it is persistent, and not longer', async () => {
    const [cookie] = await cookiesOfLogin({ session: { absoluteLifetime: 100_000, cookie: { persistent: true } } });
    const maxAge = Number(/; Max-Age=(\d+);/u.exec(cookie ?? '')?.[1]);
    expect(maxAge).toBeLessThanOrEqual(100_000);
    expect(maxAge).toBeGreaterThan(99_990);
  });
});

/** What a browser goes by when it looks for the cookie that is meant: attributes, and the name up to its last dot. */
function lasting(setCookie = ''): readonly string[] {
  const [pair = '', ...attributes] = setCookie.split('; ');
  return [
    pair.replace(/(?:(?<=\.)[\w-]{8})?=.*/u, ''),
    ...attributes.filter((part) => !/^(?:Max-Age|Expires)=/u.test(part)),
  ];
}
