import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MemorySessionStore, type OidcOptions } from 'nest-oidc';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';
import { CLIENT_ID } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

describe.each(platforms)('an authorization request on %s', (platform) => {
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

  const open = (query = '', headers: Record<string, string> = {}): Promise<BrowserResponse> =>
    browser.open(`${app.url}/auth/login${query}`, headers);

  const paramsOf = ({ location = '' }: BrowserResponse): [string, string][] => [...new URL(location).searchParams];

  async function withApp<T>(options: Partial<OidcOptions>, use: (app: TestApp) => Promise<T>): Promise<T> {
    const other = await startAppAt(provider, { platform, options });
    try {
      return await use(other);
    } finally {
      await other.close();
    }
  }

  /** Starts a login and comes back from the provider, up to the door of the callback. */
  const comeBack = async (query = ''): Promise<string> =>
    (await browser.navigate(`${app.url}/auth/login${query}`, (url) => url.startsWith(`${app.url}/auth/callback`))).url;

  it('asks for the code flow with PKCE, each parameter once, and nothing else [ARQ-01] [ARQ-03] [CFG-10]', async () => {
    const params = paramsOf(await open());
    expect(params.map(([name]) => name).sort()).toEqual(
      [
        'client_id',
        'code_challenge',
        'code_challenge_method',
        'nonce',
        'redirect_uri',
        'response_type',
        'scope',
        'state',
      ].sort(),
    );
    expect(Object.fromEntries(params)).toMatchObject({
      client_id: CLIENT_ID,
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: `${app.url}/auth/callback`,
      scope: expect.stringContaining('openid'),
    });
  });

  it('has a state, nonce and code verifier of its own, 256 bits each, never equal, over 100 logins [ARQ-02]', async () => {
    for (let login = 0; login < 100; login += 1) await new Browser().navigate(`${app.url}/auth/login`);
    const states = provider.to('/authorize').flatMap(({ params }) => [params.get('state'), params.get('nonce')]);
    const verifiers = provider.to('/token').map(({ params }) => params.get('code_verifier'));
    const values = [...states, ...verifiers];
    expect(values).toHaveLength(300);
    expect(new Set(values).size).toBe(300);
    for (const value of values) expect(value).toMatch(/^[\w-]{43,128}$/u);
  });

  it('is kept by the browser sealed: neither state, nonce nor verifier can be read [ARQ-04] [COK-04]', async () => {
    const params = Object.fromEntries(paramsOf(await open('?returnTo=/profile')));
    const [name = '', value = ''] = [...browser.cookies][0] ?? [];
    const readable = name + value + Buffer.from(value, 'base64url').toString('latin1');
    for (const secret of [params['state'], params['nonce'], '/profile']) expect(readable).not.toContain(secret);
  });

  it('leaves room for five logins at once, each of which completes [ARQ-05]', async () => {
    const callbacks = [];
    for (let tab = 1; tab <= 5; tab += 1) callbacks.push(await comeBack(`?returnTo=/maybe?tab=${tab}`));
    const answers = [];
    for (const callback of callbacks.toReversed()) answers.push(await browser.open(callback));
    expect(answers.map(({ location }) => location)).toEqual([5, 4, 3, 2, 1].map((tab) => `/maybe?tab=${tab}`));
    expect([...browser.cookies.keys()]).toEqual(['sid']);
  });

  it.each([
    ['a short', '/'],
    ['the longest', `/${'a'.repeat(2047)}`],
    ['the longest that has to be encoded', `/${'é'.repeat(341)}`],
    ['one that is too long once it is encoded', `/${'é'.repeat(1000)}`],
  ])(
    'is dropped when it is the oldest of six, and all of them take less than 6 KiB, with %s returnTo [COK-02] [Numbers]',
    async (_, returnTo) => {
      const time = new TimeTravel();
      try {
        const callbacks = [];
        for (let tab = 1; tab <= 6; tab += 1) {
          callbacks.push(await comeBack(`?returnTo=${encodeURIComponent(returnTo)}`));
          time.forward(1);
        }
        const sizes = [...browser.cookies].map(([name, value]) => name.length + 1 + value.length);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(4096);
        expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(6 * 1024);
        expect(sizes.length).toBeLessThanOrEqual(5);
        expect((await browser.open(callbacks[0] ?? '')).status).toBe(400);
        expect((await browser.open(callbacks[5] ?? '')).status).toBe(303);
      } finally {
        time.end();
      }
    },
  );

  it.each<[string, string, Record<string, string>]>([
    ['HEAD', 'HEAD', {}],
    ['OPTIONS', 'OPTIONS', {}],
    ['POST', 'POST', {}],
    ['a prefetch', 'GET', { 'sec-purpose': 'prefetch', 'sec-fetch-dest': 'document' }],
    ['a prefetch of an older browser', 'GET', { purpose: 'prefetch' }],
    ['an iframe', 'GET', { 'sec-fetch-dest': 'iframe' }],
    ['an image', 'GET', { 'sec-fetch-dest': 'image' }],
    ['a script', 'GET', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }],
    ['a style sheet', 'GET', { 'sec-fetch-dest': 'style' }],
  ])('is not made for %s: no cookie, no redirect [ARQ-08] [DOS-02]', async (_, method, headers) => {
    const answer = await browser.send(`${app.url}/auth/login`, { method, headers });
    expect(answer.setCookies).toEqual([]);
    expect(answer.location).toBeUndefined();
  });

  it('asks for the scopes that are configured, and no others [CFG-10]', async () => {
    await withApp({ login: { scope: 'openid orders:read' } }, async ({ url }) => {
      const answer = await browser.open(`${url}/auth/login?scope=openid+admin`);
      expect(new URL(answer.location ?? '').searchParams.getAll('scope')).toEqual(['openid orders:read']);
    });
  });

  it('keeps the max_age that it was sent with: the callback checks it whatever is configured by then [ARQ-04]', async () => {
    await withApp({ login: { maxAge: 60 } }, async ({ url }) => {
      const atCallback = (next: string): boolean => next.startsWith(`${url}/auth/callback`);
      const callback = new URL((await browser.navigate(`${url}/auth/login`, atCallback)).url);
      await withApp({ baseUrl: url }, async (restarted) => {
        const answer = await browser.open(`${restarted.url}/auth/callback${callback.search}`);
        expect(answer.status).toBe(400);
        expect(answer.body).toContain('id_token_invalid');
      });
    });
  });

  it('takes nothing from the query of the browser [ARQ-06] [NET-08]', async () => {
    const hostile = new URLSearchParams(
      ['scope', 'redirect_uri', 'state', 'nonce', 'client_id', 'prompt', 'login_hint', 'response_type', 'response_mode']
        .concat(['max_age', 'code_challenge', 'code_challenge_method', 'request', 'request_uri', 'acr_values', 'iss'])
        .map((name): [string, string] => [name, 'evil']),
    );
    const params = paramsOf(await open(`?${hostile.toString()}`));
    expect(params.filter(([, value]) => value === 'evil')).toEqual([]);
    expect(new Set(params.map(([name]) => name)).size).toBe(params.length);
    expect(params).toHaveLength(8);
  });

  it('takes what is opted in, once, as ASCII, and nothing beside it [ARQ-06]', async () => {
    await withApp({ login: { forwardParams: ['login_hint', 'prompt'] } }, async ({ url }) => {
      const query = '?login_hint=%C3%A4%0D%0Ax&prompt=login&prompt=none&ui_locales=de&state=evil&login_hint[]=x';
      const answer = await browser.open(`${url}/auth/login${query}`);
      expect(answer.location).toMatch(/^[\x21-\x7e]+$/u);
      const params = new URL(answer.location ?? '').searchParams;
      expect(params.getAll('login_hint')).toEqual(['ä\r\nx']);
      expect(params.has('prompt') || params.has('ui_locales') || params.getAll('state').includes('evil')).toBe(false);
    });
  });

  describe('with prompt=none [CB-15]', () => {
    const silent: Partial<OidcOptions> = { login: { forwardParams: ['prompt'] } };
    const subOf = async (url: string): Promise<unknown> => (await browser.fetch(`${url}/maybe`)).json()['sub'];

    it('renews the session of the same user', async () => {
      await withApp(silent, async ({ url }) => {
        await browser.navigate(`${url}/auth/login`);
        const before = browser.cookies.get('sid');
        expect((await browser.navigate(`${url}/auth/login?prompt=none`)).status).toBe(200);
        expect(browser.cookies.get('sid')).not.toBe(before);
        expect(await subOf(url)).toBe('alice');
      });
    });

    it('never puts another user in the place of the one who is logged in: that session ends', async () => {
      await withApp(silent, async ({ url, events }) => {
        await browser.navigate(`${url}/auth/login`);
        const before = browser.cookies.get('sid') ?? '';
        provider.sub = 'mallory';
        const page = await browser.navigate(`${url}/auth/login?prompt=none`);
        expect(page.status).toBe(401);
        expect(page.body).toContain('subject_changed');
        expect(browser.cookies.get('sid') ?? before).toBe(before);
        expect(await subOf(url)).toBeNull();
        expect(events).toContainEqual(expect.objectContaining({ name: 'session.ended', cause: 'subject_changed' }));
        expect(events.filter(({ name }) => name === 'login.succeeded')).toHaveLength(1);
      });
    });

    it('logs in whom the provider has, where nobody is logged in, and an interactive login takes over', async () => {
      await withApp(silent, async ({ url }) => {
        await browser.navigate(`${url}/auth/login?prompt=none`);
        expect(await subOf(url)).toBe('alice');
        provider.sub = 'mallory';
        await browser.navigate(`${url}/auth/login`);
        expect(await subOf(url)).toBe('mallory');
      });
    });

    describe('that only the user could finish', () => {
      const refuse = (error: string): void => {
        provider.script.authorizationResponse = (params) => {
          params.delete('code');
          params.set('error', error);
          return params;
        };
      };

      it.each(['login_required', 'interaction_required', 'consent_required', 'account_selection_required'])(
        'goes on to the page, and changes nothing: %s [SIL-01]',
        async (error) => {
          await withApp(silent, async ({ url, events }) => {
            await browser.navigate(`${url}/auth/login`);
            const before = browser.cookies.get('sid');
            refuse(error);
            const page = await browser.navigate(`${url}/auth/login?prompt=none&returnTo=/maybe`);
            expect({ url: page.url, status: page.status }).toEqual({ url: `${url}/maybe`, status: 200 });
            expect(page.json()).toEqual({ sub: 'alice' });
            expect(browser.cookies.get('sid')).toBe(before);
            expect([...browser.cookies.keys()].filter((name) => name.includes('tx'))).toEqual([]);
            expect(events.map(({ name }) => name)).not.toContain('login.failed');
          });
        },
      );

      it('asks the user where the page is protected, and not silently again [SIL-01]', async () => {
        await withApp(silent, async ({ url }) => {
          refuse('login_required');
          const stop = (next: string): boolean => next.includes('/authorize') && !next.includes('prompt=none');
          const page = await browser.navigate(`${url}/auth/login?prompt=none&returnTo=/profile`, stop);
          expect(new URL(page.url).pathname).toBe('/authorize');
          expect(new URL(page.url).searchParams.has('prompt')).toBe(false);
        });
      });

      it('ends in a page that says so where every login is silent: it would go round in circles [SIL-01]', async () => {
        await withApp({ login: { authorizationParams: { prompt: 'none' } } }, async ({ url }) => {
          refuse('login_required');
          expect((await browser.navigate(`${url}/profile`)).status).toBe(401);
        });
      });

      it('is an error all the same when the provider says something else', async () => {
        await withApp(silent, async ({ url }) => {
          refuse('invalid_scope');
          expect((await browser.navigate(`${url}/auth/login?prompt=none`)).status).toBe(400);
        });
      });
    });
  });

  it('is the same whatever host the request names [CFG-03] [HST-01]', async () => {
    const answer = await open('?returnTo=/profile', {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '8443',
      'x-forwarded-prefix': '/evil',
      forwarded: 'host=evil.example;proto=https',
      'x-original-url': '/evil',
      'x-rewrite-url': '/evil',
    });
    expect(answer.location).not.toContain('evil');
    expect(new URL(answer.location ?? '').searchParams.get('redirect_uri')).toBe(`${app.url}/auth/callback`);
    expect(answer.setCookies).toEqual([
      expect.stringMatching(/^oidc\.tx\.[\w-]{8}=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/u),
    ]);
  });

  it('is kept in a __Host- cookie that is Secure when the application is public by https [ARQ-04] [COK-01]', async () => {
    await withApp({ baseUrl: 'https://app.example' }, async ({ url }) => {
      const { setCookies } = await browser.open(`${url}/auth/login`);
      expect(setCookies).toEqual([
        expect.stringMatching(
          /^__Host-oidc\.tx\.[\w-]{8}=[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/u,
        ),
      ]);
    });
  });

  it('is a redirect that nobody keeps: no-store, no referrer, no body', async () => {
    const { status, headers, body } = await open();
    expect({ status, body }).toEqual({ status: 302, body: '' });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    });
    expect(headers.etag).toBeUndefined();
  });
});

describe('a flood of authorization requests', () => {
  it('costs the store nothing, and the process no memory, when ten thousand come [DOS-01]', async () => {
    const store = new MemorySessionStore();
    const writes = [jest.spyOn(store, 'create'), jest.spyOn(store, 'markUsed'), jest.spyOn(store, 'lock')];
    const provider = await ScriptedProvider.start();
    const app = await startAppAt(provider, { options: { session: { store } } });
    try {
      const flood = async (count: number): Promise<void> => {
        for (let sent = 0; sent < count; sent += 50) {
          await Promise.all(Array.from({ length: 50 }, () => new Browser().open(`${app.url}/auth/login`)));
        }
      };
      // What is compiled, pooled or cached once is there after the first thousand.
      await flood(1000);
      const before = heapInUse();
      await flood(9000);
      expect(heapInUse() - before).toBeLessThan(9000 * 500);
    } finally {
      await app.close();
      await provider.stop();
    }
    for (const write of writes) expect(write).not.toHaveBeenCalled();
  }, 120_000);
});

function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
