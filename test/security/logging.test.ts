import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { MemorySessionStore, type OidcEvent } from 'nest-oidc';
import { sessionIdOf } from '../../lib/session/session-token.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { JWT } from '../support/canary.js';
import { eventually } from '../support/eventually.js';
import {
  ACCESS_TOKEN,
  REFRESH_TOKEN,
  ScriptedProvider,
  startAppAt,
  type Answer,
} from '../support/scripted-provider.js';
import { SECRET, type TestApp } from '../support/test-app.js';
import { CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

/** Forges a line, colours it, and ends it in every way that some viewer takes for one. */
const FORGED = '\r\n[Nest] forged\u001b[31m\u0085\u2028\u2029\u0000\u009b31m';

const lines: string[] = [];
let provider: ScriptedProvider;
let store: MemorySessionStore;
let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  provider = await ScriptedProvider.start();
  store = new MemorySessionStore();
  app = await startAppAt(provider, { options: { session: { store } } });
});

afterAll(async () => {
  await app.close();
  await provider.stop();
});

beforeEach(() => {
  const keep = (...line: unknown[]): void =>
    void lines.push(line.map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 20 }))).join(' '));
  for (const level of ['debug', 'verbose', 'log', 'warn', 'error', 'fatal'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation(keep);
    jest.spyOn(Logger, level).mockImplementation(keep);
  }
  for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const)
    jest.spyOn(console, level).mockImplementation(keep);
  lines.length = 0;
  app.events.length = 0;
  provider.reset();
  browser = new Browser();
});

afterEach(() => void jest.restoreAllMocks());

const logIn = (): Promise<BrowserResponse> => browser.navigate(`${app.url}/auth/login`);
const sid = (): string => browser.cookies.get('sid') ?? '';
const named = (name: OidcEvent['name']): OidcEvent[] => app.events.filter((event) => event.name === name);

/** Comes back from the provider, up to the door of the callback. */
async function comeBack(): Promise<URL> {
  const atCallback = (url: string): boolean => url.startsWith(`${app.url}/auth/callback`);
  return new URL((await browser.navigate(`${app.url}/auth/login`, atCallback)).url);
}

/** A request whose access token has expired, so that it needs a refresh. */
async function askLater(): Promise<BrowserResponse> {
  const time = new TimeTravel();
  time.forward(3700);
  try {
    return await browser.fetch(`${app.url}/token`);
  } finally {
    time.end();
  }
}

describe('what happens [LOG-01]', () => {
  it('is told of a login: begun, done, for whom', async () => {
    await logIn();
    const session = sessionIdOf(sid());
    expect(app.events).toEqual([{ name: 'login.started' }, { name: 'login.succeeded', session, sub: 'alice' }]);
    expect(lines).toEqual(['login.started', `login.succeeded session=${session} sub=alice`]);
  });

  it('is told of a login that fails, with the reason and the id that the user sees', async () => {
    const answer = await browser.fetch(`${app.url}/auth/callback?state=x`, {
      headers: { 'sec-fetch-dest': 'document' },
    });
    const { correlationId } = answer.json();
    expect(app.events).toEqual([
      { name: 'login.failed', reason: 'transaction_missing' },
      { name: 'request.failed', code: 'transaction_missing', correlationId, reason: 'transaction_missing' },
    ]);
  });

  it('is told of the end of a session, with its cause', async () => {
    await logIn();
    const session = sessionIdOf(sid());
    await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    expect(named('session.ended')).toEqual([{ name: 'session.ended', session, cause: 'logout' }]);
    await logIn();
    const replaced = sessionIdOf(sid());
    await logIn();
    expect(named('session.ended').at(-1)).toEqual({
      name: 'session.ended',
      session: replaced,
      cause: 'replaced_by_login',
    });
  });

  it('is told of a refresh that is refused, and of the session that ends by it', async () => {
    await logIn();
    const session = sessionIdOf(sid());
    provider.script.answer = ({ path }): Answer | undefined =>
      path === '/token' ? { status: 400, body: { error: 'invalid_grant' } } : undefined;
    expect((await askLater()).status).toBe(401);
    expect(named('refresh.refused')).toEqual([{ name: 'refresh.refused', session }]);
    expect(named('session.ended')).toEqual([{ name: 'session.ended', session, cause: 'refresh_refused' }]);
  });

  it('is told of a refresh that brings another user', async () => {
    await logIn();
    const session = sessionIdOf(sid());
    provider.sub = 'mallory';
    expect((await askLater()).status).toBe(401);
    expect(named('session.ended')).toEqual([{ name: 'session.ended', session, cause: 'subject_changed' }]);
  });

  it('is told of requests of other sites and of cookies that come twice', async () => {
    await logIn();
    await browser.fetch(`${app.url}/notes`, { method: 'POST', headers: { origin: 'https://evil.example' } });
    await new Browser().fetch(`${app.url}/profile`, { headers: { cookie: `sid=${sid()}; sid=${sid()}` } });
    expect(named('request.cross_origin')).toEqual([{ name: 'request.cross_origin', reason: 'origin' }]);
    expect(named('session.duplicate_cookie')).toHaveLength(1);
  });
});

describe('a log line', () => {
  /** What must not be in any, from what crossed the wire. */
  function secrets(): string[] {
    const sent = provider.requests.flatMap(({ params, headers }) => [
      ...['state', 'nonce', 'code', 'code_verifier', 'refresh_token', 'client_secret'].map((name) => params.get(name)),
      headers.authorization?.replace(/^Basic /u, '') ?? null,
    ]);
    const known = [ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET, SECRET, ...browser.cookies.values()];
    return [...new Set([...known, ...sent.filter((value) => value !== null)])];
  }

  const faults: readonly (readonly [string, () => void])[] = [
    [
      'the token response has an unknown type',
      () => (provider.script.tokenResponse = (body) => ({ ...body, token_type: 'x' })),
    ],
    [
      'the token response has an error in it',
      () => (provider.script.tokenResponse = (body) => ({ ...body, error: 'x' })),
    ],
    [
      'the token response has no ID token',
      () => (provider.script.tokenResponse = (body) => ({ ...body, id_token: undefined })),
    ],
    [
      'the token response has a bad expires_in',
      () => (provider.script.tokenResponse = (body) => ({ ...body, expires_in: {} })),
    ],
    [
      'the token endpoint refuses, and repeats what it was sent',
      () => {
        provider.script.answer = ({ path, params, headers }): Answer | undefined =>
          path === '/token'
            ? {
                status: 400,
                body: { error: 'invalid_request', error_description: `${params.toString()} ${headers.authorization}` },
              }
            : undefined;
      },
    ],
    [
      'the ID token is of another audience',
      () => (provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, aud: 'x' } })),
    ],
    [
      'the ID token has another nonce',
      () => (provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, nonce: 'x' } })),
    ],
    [
      'the ID token is not signed',
      () => (provider.script.idToken = (parts) => ({ ...parts, signature: () => Buffer.alloc(256) })),
    ],
    ['the ID token is none', () => (provider.script.idTokenText = (token) => `${token}.x`)],
    ['the connection breaks', () => (provider.script.answer = ({ path }) => (path === '/token' ? 'drop' : undefined))],
    [
      'the store breaks',
      () => void jest.spyOn(store, 'create').mockRejectedValue(new Error(`SET ${SECRET} ${ACCESS_TOKEN}`)),
    ],
  ];

  it.each(faults)(
    'of a login holds no token, code, verifier, state, cookie or secret, however deep it is printed: %s [LOG-02]',
    async (_, breakIt) => {
      const callback = await comeBack();
      const held = [...browser.cookies.values()];
      breakIt();
      const answer = await browser.open(callback.href);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(lines.length).toBeGreaterThan(1);
      const told = lines.join('\n') + inspect(app.events, { depth: 20 });
      for (const secret of [...secrets(), ...held]) expect(told).not.toContain(secret);
      expect(told).not.toMatch(JWT);
    },
  );

  it.each<[string, () => void]>([
    [
      'is refused',
      () =>
        (provider.script.answer = ({ path }) =>
          path === '/token'
            ? { status: 400, body: { error: 'invalid_grant', error_description: REFRESH_TOKEN } }
            : undefined),
    ],
    ['has an unknown type', () => (provider.script.tokenResponse = (body) => ({ ...body, token_type: 'x' }))],
    ['brings another user', () => (provider.sub = 'mallory')],
    ['is dropped', () => (provider.script.answer = ({ path }) => (path === '/token' ? 'drop' : undefined))],
  ])('of a refresh holds none either: it %s [LOG-02]', async (_, breakIt) => {
    await logIn();
    const held = [...browser.cookies.values()];
    breakIt();
    expect((await askLater()).status).toBeGreaterThanOrEqual(401);
    const told = lines.join('\n') + inspect(app.events, { depth: 20 });
    for (const secret of [...secrets(), ...held]) expect(told).not.toContain(secret);
    expect(told).not.toMatch(JWT);
  });

  it('of a login, a request and a logout that go well holds none either [LOG-02]', async () => {
    await logIn();
    const held = [...browser.cookies.values()];
    await browser.fetch(`${app.url}/profile`);
    await browser.fetch(`${app.url}/auth/logout`, { method: 'POST' });
    const told = lines.join('\n') + inspect(app.events, { depth: 20 });
    expect(lines.length).toBeGreaterThan(2);
    for (const secret of [...secrets(), ...held]) expect(told).not.toContain(secret);
    expect(told).not.toMatch(JWT);
  });

  it('is one line without control characters, whatever comes from outside [LOG-03]', async () => {
    const evil = encodeURIComponent(FORGED);
    const query = `state=${evil}&code=${evil}&error=${evil}&error_description=${evil}&iss=${evil}`;
    await browser.open(`${app.url}/auth/callback?${query}`);
    await browser.open(`${app.url}/auth/login?returnTo=/${evil}&prompt=${evil}`);
    await browser.fetch(`${app.url}/${evil}`, {
      headers: { 'user-agent': 'x\u009bforged', cookie: `sid=${evil}; oidc.tx.x=${evil}` },
    });
    provider.script.authorizationResponse = (params) =>
      new URLSearchParams({
        state: params.get('state') ?? '',
        iss: provider.issuer,
        error: FORGED,
        error_description: FORGED,
      });
    await logIn();
    provider.reset();
    provider.script.answer = ({ path }) =>
      path === '/token' ? { status: 400, body: { error: FORGED, error_description: FORGED } } : undefined;
    await logIn();
    provider.reset();
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, sub: FORGED, aud: FORGED } });
    await logIn();
    provider.reset();
    jest.spyOn(store, 'create').mockRejectedValue(Object.assign(new Error(FORGED), { name: `Error${FORGED}` }));
    await logIn();
    expect(named('login.failed').length).toBeGreaterThanOrEqual(5);
    expectOneLineEach();
  });

  it('is one line also when the metadata of the provider, or a listener, would have it otherwise [LOG-03]', async () => {
    const hostile = await ScriptedProvider.start();
    hostile.script.discovery = (document) => ({ ...document, issuer: `https://evil.example/${FORGED}` });
    const onEvent = (): never => {
      throw Object.assign(new Error(FORGED), { name: `Error${FORGED}` });
    };
    const other = await startAppAt(hostile, { options: { onEvent } });
    try {
      await new Browser().open(`${other.url}/auth/login`);
      await eventually(() => expect(lines.some((line) => line.includes('provider.metadata_rejected'))).toBe(true));
      expect(lines.some((line) => line.includes('onEvent threw'))).toBe(true);
      expectOneLineEach();
    } finally {
      await other.close();
      await hostile.stop();
    }
  });

  function expectOneLineEach(): void {
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  }
});
