import { Controller, Get } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MemorySessionStore, StoreUnavailableError } from 'nest-oidc';
import { Browser, type BrowserRequest, type BrowserResponse } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type TestApp } from '../support/test-app.js';

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const EVIL = { origin: 'https://evil.example' };
const UNKNOWN = 'A'.repeat(43);

/** On every answer of ours. */
const BASE_HEADERS = {
  'cache-control': 'no-store',
  pragma: 'no-cache',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': expect.stringMatching(/default-src 'none'.*base-uri 'none'.*frame-ancestors 'none'/u),
};

@Controller('handler')
class Handler {
  @Get('away')
  away(): never {
    throw new StoreUnavailableError(new Error('redis://user:secret-password@10.0.0.1'));
  }
}

interface Fault {
  readonly status: number;
  readonly code: string;
  /** Brings it about and asks. */
  readonly ask: (request: BrowserRequest) => Promise<BrowserResponse>;
}

describe.each(platforms)('an error on %s', (platform) => {
  const store = new MemorySessionStore();
  const unhandled = jest.fn();
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { platform, options: { session: { store } }, controllers: [Handler] });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(async () => {
    provider.reset();
    app.events.length = 0;
    unhandled.mockClear();
    process.on('unhandledRejection', unhandled);
    browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
  });

  afterEach(() => {
    process.off('unhandledRejection', unhandled);
    jest.restoreAllMocks();
  });

  const to =
    (path: string, more: BrowserRequest = {}): Fault['ask'] =>
    (request) =>
      browser.send(`${app.url}${path}`, { ...request, ...more, headers: { ...request.headers, ...more.headers } });

  /** Comes back from a provider that does as `script` says. */
  const atCallback =
    (bend: () => void): Fault['ask'] =>
    async (request) => {
      bend();
      const stop = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
      const { url } = await browser.navigate(`${app.url}/auth/login`, stop);
      return browser.send(url, request);
    };

  const faults: readonly (readonly [string, Fault])[] = [
    [
      'a request of another site',
      { status: 403, code: 'csrf_rejected', ask: to('/notes', { method: 'POST', headers: EVIL }) },
    ],
    ['a callback of no login', { status: 400, code: 'transaction_missing', ask: to('/auth/callback?state=x&code=y') }],
    ['a callback without state', { status: 400, code: 'state_missing', ask: to('/auth/callback') }],
    [
      'a login in a frame',
      { status: 400, code: 'navigation_required', ask: to('/auth/login', { headers: { 'sec-fetch-dest': 'iframe' } }) },
    ],
    ['a store that is away', { status: 503, code: 'store_unavailable', ask: to('/handler/away') }],
    [
      'a login that was cancelled',
      {
        status: 401,
        code: 'op_error',
        ask: atCallback(() => {
          provider.script.authorizationResponse = (params) =>
            new URLSearchParams({ state: params.get('state') ?? '', iss: provider.issuer, error: 'access_denied' });
        }),
      },
    ],
    [
      'an ID token that is not valid',
      {
        status: 400,
        code: 'id_token_invalid',
        ask: atCallback(() => {
          provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, aud: 'another' } });
        }),
      },
    ],
    [
      'a token response that is none',
      {
        status: 502,
        code: 'token_response_invalid',
        ask: atCallback(() => {
          provider.script.tokenResponse = (response) => ({ ...response, token_type: 'unheard-of' });
        }),
      },
    ],
    [
      'a provider that does not answer',
      {
        status: 503,
        code: 'provider_unreachable',
        ask: atCallback(() => {
          provider.script.answer = ({ path }) => (path === '/token' ? 'drop' : undefined);
        }),
      },
    ],
  ];

  it.each(faults)(
    'is told scripts as a code and a correlation id, nothing else: %s [ERR-02]',
    async (_, { status, code, ask }) => {
      const answer = await ask({ headers: { accept: 'application/json' } });
      expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json; charset=utf-8']);
      expect(answer.json()).toEqual({ error: code, correlationId: expect.stringMatching(/^[\w-]{12}$/u) });
    },
  );

  it.each(faults)('is told people as a page with the same two: %s [ERR-02]', async (_, { status, code, ask }) => {
    const page = await ask({ headers: NAVIGATION });
    expect([page.status, page.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
    expect(page.headers).toMatchObject({ ...BASE_HEADERS, 'cross-origin-opener-policy': 'same-origin' });
    expect(page.body).toMatch(new RegExp(`<small>${code} · [\\w-]{12}</small>`, 'u'));
    expect(page.body).not.toMatch(/secret-password|localhost:|node_modules|\.ts\b|\.js\b|Error:|<script/u);
  });

  it.each(faults)('is neither kept, framed, sniffed nor shared: %s', async (_, { ask, status }) => {
    const answer = await ask({ headers: { accept: '*/*', origin: app.url } });
    expect(answer.headers).toMatchObject(BASE_HEADERS);
    expect(answer.headers.etag).toBeUndefined();
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(answer.headers['retry-after']).toEqual(status === 503 ? expect.stringMatching(/^\d+$/u) : undefined);
  });

  it.each(faults)(
    'has the correlation id of its event, and one of its own each time: %s [ERR-02] [LOG-01]',
    async (_, { ask, code }) => {
      const ids = [];
      for (let turn = 0; turn < 2; turn += 1) {
        const { correlationId } = (await ask({ headers: { accept: 'application/json' } })).json();
        expect(app.events.at(-1)).toMatchObject({ code, correlationId });
        ids.push(correlationId);
      }
      expect(new Set(ids).size).toBe(2);
    },
  );

  it('shows nothing of what was asked [ERR-02]', async () => {
    const evil = encodeURIComponent(`"'><script>alert(1)</script>`);
    const paths = [
      `/auth/callback?state=${evil}&code=${evil}&error=${evil}&error_description=${evil}`,
      `/auth/callback?${evil}=${evil}`,
      `/auth/login?returnTo=${evil}`,
      `/profile?x=${evil}`,
    ];
    for (const path of paths) {
      for (const headers of [NAVIGATION, { accept: 'application/json' }, { accept: `text/html, ${evil}` }]) {
        const { body } = await new Browser().send(`${app.url}${path}`, {
          headers: { 'sec-fetch-dest': 'iframe', ...headers },
        });
        expect(body).not.toMatch(/alert|<script/u);
      }
    }
  });

  it('asks a script to log in by 401 and a page by a redirect, neither of which is kept [ERR-02] [BFF-07]', async () => {
    const script = await new Browser().fetch(`${app.url}/profile`);
    expect([script.status, script.location, script.setCookies]).toEqual([401, undefined, []]);
    expect(script.json()).toEqual({ error: 'login_required', correlationId: expect.stringMatching(/^[\w-]{12}$/u) });
    const page = await new Browser().open(`${app.url}/profile`);
    expect([page.status, page.location, page.body]).toEqual([302, '/auth/login?returnTo=%2Fprofile', '']);
    const form = await new Browser().send(`${app.url}/notes`, { method: 'POST', headers: NAVIGATION });
    expect([form.status, form.location]).toEqual([401, undefined]);
    for (const { headers } of [script, page, form]) expect(headers).toMatchObject(BASE_HEADERS);
  });

  it('that takes a cookie away is not kept by any cache', async () => {
    for (const path of ['/profile', '/auth/me', '/token']) {
      const { setCookies, headers } = await new Browser().fetch(`${app.url}${path}`, {
        headers: { cookie: `sid=${UNKNOWN}; sid=${UNKNOWN}` },
      });
      expect([setCookies.length, headers['cache-control']]).toEqual([1, 'no-store']);
    }
  });

  describe('that nobody foresaw', () => {
    /** What a store of somebody's own might answer. */
    const answers: readonly (readonly [string, unknown])[] = [
      ['an empty object', {}],
      ['a string', 'session'],
      ['null', null],
      ['a session without data', { generation: 1, expiresAt: Number.MAX_SAFE_INTEGER }],
      ['a session of text', { generation: 1, expiresAt: Number.MAX_SAFE_INTEGER, data: 'text' }],
      [
        'a session that is no number of bytes',
        { generation: 1, expiresAt: Number.MAX_SAFE_INTEGER, data: new Uint8Array(3) },
      ],
      ['a session without an end', { generation: 1, data: new Uint8Array(300) }],
    ];

    it.each(answers)('opens nothing and ends no process: the store answers %s [ERR-01]', async (_, answer) => {
      jest.spyOn(store, 'get').mockResolvedValue(answer as never);
      for (const path of ['/profile', '/guarded', '/token', '/auth/me']) {
        expect((await browser.fetch(`${app.url}${path}`)).status).toBeGreaterThanOrEqual(401);
      }
      expect((await browser.fetch(`${app.url}/notes`, { method: 'POST' })).status).toBeGreaterThanOrEqual(401);
      jest.restoreAllMocks();
      expect((await new Browser().fetch(app.url)).status).toBe(200);
      expect(unhandled).not.toHaveBeenCalled();
    });

    it('opens nothing: the store breaks at each step of a login [ERR-01]', async () => {
      for (const step of ['markUsed', 'create'] as const) {
        const broken = jest.spyOn(store, step).mockImplementation(() => {
          throw new RangeError('at once');
        });
        const answer = await new Browser().navigate(`${app.url}/auth/login`);
        expect([answer.status, answer.setCookies.filter((cookie) => /^sid=./u.test(cookie))]).toEqual([503, []]);
        broken.mockRestore();
      }
      expect(unhandled).not.toHaveBeenCalled();
    });
  });
});

describe('an application that breaks while it is told', () => {
  it('changes nothing: onEvent throws or rejects at every event [ERR-01]', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const provider = await ScriptedProvider.start();
    let rejects = false;
    const onEvent = (): void => {
      if (rejects) return Promise.reject(new Error('later')) as never;
      throw new Error('at once');
    };
    const app = await startAppAt(provider, { options: { onEvent } });
    try {
      for (rejects of [false, true]) {
        const browser = new Browser();
        const page = await browser.navigate(`${app.url}/profile`);
        expect([page.url, page.status]).toEqual([`${app.url}/profile`, 200]);
        expect((await browser.open(`${app.url}/auth/callback?state=x`)).status).toBe(400);
        expect((await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' })).status).toBe(200);
        expect((await browser.fetch(`${app.url}/profile`)).status).toBe(401);
      }
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
      await app.close();
      await provider.stop();
    }
  });
});
