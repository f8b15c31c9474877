import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventLog, type OidcEvent } from '../../lib/common/events.js';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import { ProviderMetadata } from '../../lib/provider/provider-metadata.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import { ControlledClock } from '../support/controlled-clock.js';
import { gate } from '../support/gate.js';
import { ScriptedProvider, startAppAt, type Answer, type Json } from '../support/scripted-provider.js';
import type { TestApp } from '../support/test-app.js';
import { TimeTravel } from '../support/time-travel.js';

const DOCUMENT = '/.well-known/openid-configuration';

describe('a login', () => {
  let provider: ScriptedProvider;
  let app: TestApp | undefined;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
  });

  afterAll(() => provider.stop());

  beforeEach(() => provider.reset());

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  const login = async (): Promise<BrowserResponse> => {
    app ??= await startAppAt(provider);
    return new Browser().open(`${app.url}/auth/login`);
  };

  const answerDiscoveryWith = (answer: Answer | 'drop'): void => {
    provider.script.answer = ({ path }) => (path === DOCUMENT ? answer : undefined);
  };

  function expectFault(answer: BrowserResponse): void {
    expect(answer).toMatchObject({ status: 502, location: undefined, setCookies: [] });
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toMatch(/provider_metadata_invalid|response_too_large/u);
  }

  it.each<[string, (issuer: string) => unknown]>([
    ['has a slash more', (issuer) => `${issuer}/`],
    ['has its host in capitals', (issuer) => issuer.replace('localhost', 'LOCALHOST')],
    ['has another scheme', (issuer) => issuer.replace('http:', 'https:')],
    ['is somebody else', () => 'https://evil.example'],
    ['is empty', () => ''],
    ['is no string', (issuer) => [issuer]],
    ['is absent', () => undefined],
  ])('is refused with 502, and sent nowhere, when the issuer of the metadata %s [NET-01]', async (_, spell) => {
    provider.script.discovery = (document) => ({ ...document, issuer: spell(provider.issuer) });
    expectFault(await login());
  });

  it('names both spellings of the issuer in the log, and none of them to the user [NET-01]', async () => {
    provider.script.discovery = (document) => ({ ...document, issuer: `${provider.issuer}/` });
    const { body } = await login();
    expect(body).not.toContain(provider.issuer);
    const [event] = app?.events.filter(({ name }) => name === 'provider.metadata_rejected') ?? [];
    expect(event).toMatchObject({ reason: 'issuer', explanation: expect.stringContaining(`"${provider.issuer}/"`) });
    expect(event).toMatchObject({ explanation: expect.stringContaining(`"${provider.issuer}"`) });
  });

  it('forges no log line with the issuer of the metadata', async () => {
    provider.script.discovery = (document) => ({ ...document, issuer: 'x\r\nforged\u2028line' });
    await login();
    const [event] = app?.events.filter(({ name }) => name === 'provider.metadata_rejected') ?? [];
    expect(JSON.stringify(event)).not.toMatch(/\r|\n|\u2028/u);
    expect(Object.values(event ?? {}).join(' ')).not.toMatch(/\r|\n|\u2028/u);
  });

  it.each([
    ['presets state', { authorization_endpoint: 'https://op.example/authorize?state=fixed' }],
    [
      'presets redirect_uri',
      { authorization_endpoint: 'https://op.example/authorize?redirect_uri=https://evil.example' },
    ],
    ['presets max_age', { authorization_endpoint: 'https://op.example/authorize?max_age=0' }],
    ['presets client_id', { authorization_endpoint: 'https://op.example/authorize?a=b&client_id=evil' }],
    ['has no authorization_endpoint', { authorization_endpoint: undefined }],
    ['has no token_endpoint', { token_endpoint: undefined }],
    ['has no jwks_uri', { jwks_uri: undefined }],
    ['has an authorization_endpoint that is no URL', { authorization_endpoint: 'authorize' }],
    ['has an authorization_endpoint that is a script', { authorization_endpoint: 'javascript:alert(1)' }],
    ['has a token_endpoint that is no string', { token_endpoint: 5 }],
    ['has a jwks_uri of another scheme', { jwks_uri: 'data:application/json,{"keys":[]}' }],
    ['has a userinfo_endpoint that is a list', { userinfo_endpoint: [] }],
    [
      'demands pushed requests and does not say where to push them',
      { require_pushed_authorization_requests: true, pushed_authorization_request_endpoint: undefined },
    ],
  ])('is refused with 502 when the metadata %s [ARQ-09] [NET-05]', async (_, bent: Json) => {
    provider.script.discovery = (document) => ({ ...document, ...bent });
    expectFault(await login());
  });

  it.each<[string, Answer]>([
    ['is larger than 1 MiB', { body: `{"padding":"${'x'.repeat(1024 * 1024)}"}` }],
    ['is no JSON', { body: '<html><script>alert(1)</script></html>', headers: { 'content-type': 'text/html' } }],
    ['is a list', { body: [] }],
    ['is null', { body: 'null', headers: { 'content-type': 'application/json' } }],
    ['is not found', { status: 404 }],
  ])('is refused with 502 when the metadata %s [NET-04]', async (_, answer) => {
    answerDiscoveryWith(answer);
    const page = await login();
    expectFault(page);
    expect(page.body).not.toContain('<script');
  });

  it.each([
    [
      'names two token endpoints, of which parsers take the first or the last',
      '{"token_endpoint":"https://evil.example/token",',
    ],
    ['names its issuer twice', '{"issuer":"https://evil.example",'],
    ['is nested so deep that walking it would exhaust the stack', `{"a":${'['.repeat(9999)}${']'.repeat(9999)},`],
  ])('is refused with 502 when the metadata %s', async (_, start) => {
    const { issuer } = provider;
    const endpoints = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'].map((name) => [
      name,
      `${issuer}/${name}`,
    ]);
    const good = JSON.stringify({ issuer, ...Object.fromEntries(endpoints) });
    answerDiscoveryWith({ headers: { 'content-type': 'application/json' }, body: good.replace('{', start) });
    expectFault(await login());
  });

  it('is refused with 502 when the metadata presets a parameter that the options set [ARQ-09]', async () => {
    provider.script.discovery = (document) => ({
      ...document,
      authorization_endpoint: `${provider.issuer}/authorize?audience=evil&policy=fine`,
    });
    app = await startAppAt(provider, { options: { login: { authorizationParams: { audience: 'api' } } } });
    expectFault(await login());
    await app.close();
    app = undefined;
    expect((await login()).location).toContain('/authorize?audience=evil&policy=fine&');
  });

  it('is refused with 502 when the metadata is somewhere else: no redirect is followed [NET-02]', async () => {
    answerDiscoveryWith({ status: 302, headers: { location: `${provider.issuer}/elsewhere` } });
    expectFault(await login());
    expect(provider.count('/elsewhere')).toBe(0);
  });

  it.each<[string, Answer | 'drop']>([
    ['fails', { status: 500 }],
    ['is overloaded', { status: 429 }],
    ['drops the connection', 'drop'],
  ])('is put off with 503 and Retry-After while the provider %s', async (_, answer) => {
    answerDiscoveryWith(answer);
    const page = await login();
    expect(page).toMatchObject({ status: 503, location: undefined, setCookies: [] });
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('shares one request for the metadata with all others that begin meanwhile [NET-06]', async () => {
    const { passed, open } = gate();
    provider.script.answer = async ({ path }) => {
      if (path === DOCUMENT) await passed;
      return undefined;
    };
    const { url } = (app = await startAppAt(provider));
    const logins = Array.from({ length: 20 }, () => new Browser().open(`${url}/auth/login`));
    await new Browser().open(url);
    open();
    expect((await Promise.all(logins)).map(({ status }) => status)).toEqual(logins.map(() => 302));
    expect(provider.count(DOCUMENT)).toBe(1);
  });

  it('works by itself once a provider that was away at start is back [NET-06]', async () => {
    await provider.stop();
    const time = new TimeTravel();
    try {
      expect((await login()).status).toBe(503);
      expect((await new Browser().open(app?.url ?? '')).status).toBe(200);
      await provider.listen();
      time.forward(5);
      expect((await login()).status).toBe(302);
    } finally {
      time.end();
    }
  });
});

describe('the metadata of the provider', () => {
  let provider: ScriptedProvider;
  let clock: ControlledClock;
  let events: OidcEvent[];

  const options = {
    clientId: 'client',
    allowInsecure: true,
    login: { pushedRequests: false },
    provider: { timeout: 10, metadataLifetime: 3600 },
  };
  const metadataOf = (changes: Partial<ResolvedOptions> = {}): ProviderMetadata =>
    new ProviderMetadata(
      { ...options, issuer: provider.issuer, ...changes } as ResolvedOptions,
      clock,
      Object.assign(new EventLog((event) => events.push(event)), {
        logger: { log: jest.fn(), warn: jest.fn(), error: jest.fn() },
      }),
    );

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
  });

  afterAll(() => provider.stop());

  beforeEach(() => {
    provider.reset();
    clock = new ControlledClock();
    events = [];
  });

  /** Until no request is under way: each has a deadline while it is. */
  const idle = async (): Promise<void> => {
    do await clock.advance(0);
    while (clock.pending > 0);
  };

  const asked = (): number => provider.count(DOCUMENT);

  it('is waited for no longer than the deadline [NET-03]', async () => {
    const { passed, open } = gate();
    provider.script.answer = () => {
      open();
      return 'hang';
    };
    const getting = expect(metadataOf().get()).rejects.toMatchObject({
      code: 'provider_unreachable',
      detail: 'timeout',
    });
    await passed;
    await clock.advance(10_000);
    await getting;
  });

  it('is used on while the provider cannot be reached to renew it [NET-07]', async () => {
    const metadata = metadataOf();
    const first = await metadata.get();
    provider.script.answer = () => 'drop';
    await clock.advance(3_600_000);
    expect(await metadata.get()).toBe(first);
    await idle();
    await clock.advance(86_400_000);
    expect(await metadata.get()).toBe(first);
    await idle();
  });

  it('is renewed beside the login that finds it too old [NET-07]', async () => {
    const metadata = metadataOf();
    await metadata.get();
    provider.script.discovery = (document) => ({ ...document, token_endpoint: `${provider.issuer}/new-token` });
    await clock.advance(3_600_000);
    await metadata.get();
    await idle();
    expect(metadata.cached?.token_endpoint).toBe(`${provider.issuer}/new-token`);
    expect(asked()).toBe(2);
  });

  it('is not replaced by a document that names another issuer, and that is an alarm [NET-07]', async () => {
    const metadata = metadataOf();
    const first = await metadata.get();
    provider.script.discovery = (document) => ({ ...document, issuer: 'https://evil.example' });
    await clock.advance(3_600_000);
    await metadata.get();
    await idle();
    expect(events).toMatchObject([{ name: 'provider.metadata_rejected', reason: 'issuer' }]);
    expect(await metadata.get()).toBe(first);
  });

  it('is asked for with a growing pause while it cannot be had, five seconds at most, however many ask [NET-06]', async () => {
    const metadata = metadataOf();
    provider.script.answer = () => ({ status: 500 });
    const askAll = (): Promise<unknown> => Promise.allSettled(Array.from({ length: 20 }, () => metadata.get()));
    for (const pause of [500, 1000, 2000, 4000, 5000, 5000]) {
      await askAll();
      const before = asked();
      await clock.advance(pause - 1);
      await askAll();
      expect(asked()).toBe(before);
      await clock.advance(1);
    }
    expect(asked()).toBe(6);
    provider.reset();
    expect((await metadata.get()).issuer).toBe(provider.issuer);
  });

  it('is asked for again when the clock is set back [NET-06]', async () => {
    const metadata = metadataOf();
    provider.script.answer = () => 'drop';
    await expect(metadata.get()).rejects.toThrow();
    provider.reset();
    await clock.advance(-3_600_000);
    expect((await metadata.get()).issuer).toBe(provider.issuer);
    await clock.advance(-3_600_000);
    await metadata.get();
    await idle();
    expect(asked()).toBe(2);
  });

  it('tells of an outage once, and of its end', async () => {
    const metadata = metadataOf();
    provider.script.answer = () => 'drop';
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(metadata.get()).rejects.toThrow();
      await clock.advance(5000);
    }
    provider.reset();
    await metadata.get();
    expect(events.map(({ name }) => name)).toEqual(['provider.unavailable', 'provider.available']);
  });

  /** Answers every request with the metadata of a provider that is public by https. */
  const serve = (issuer: string, bent: Json = {}): ReturnType<typeof jest.spyOn> => {
    const names = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'];
    const document = Object.fromEntries(names.map((each) => [each, `https://op.example/${each}`]));
    return jest
      .spyOn(globalThis, 'fetch')
      .mockImplementation(() => Promise.resolve(Response.json({ issuer, ...document, ...bent })));
  };

  it.each([
    ['https://op.example', 'https://op.example:443'],
    ['https://op.example:443', 'https://op.example'],
    ['https://op.example', 'https://op.example/'],
    ['https://op.example/', 'https://op.example'],
    ['https://op.example', 'https://OP.example'],
    ['https://op.example', 'HTTPS://op.example'],
    ['https://op.example/a/../b', 'https://op.example/b'],
    ['https://op.example/%61', 'https://op.example/a'],
  ])('is refused for the issuer %s when it says %s: no spelling is normalised [NET-01]', async (issuer, served) => {
    const fetched = serve(served);
    try {
      await expect(metadataOf({ issuer, allowInsecure: false }).get()).rejects.toMatchObject({
        code: 'provider_metadata_invalid',
        detail: 'issuer',
      });
    } finally {
      fetched.mockRestore();
    }
  });

  const endpoints = [
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'userinfo_endpoint',
    'revocation_endpoint',
    'end_session_endpoint',
    'pushed_authorization_request_endpoint',
  ];

  it.each(endpoints)('is refused when its %s is plain http, unless that is allowed [NET-05]', async (name) => {
    const issuer = 'https://op.example';
    const fetched = serve(issuer, { [name]: 'http://op.example/plain' });
    try {
      await expect(metadataOf({ issuer, allowInsecure: false }).get()).rejects.toMatchObject({
        code: 'provider_metadata_invalid',
        detail: name,
      });
      expect((await metadataOf({ issuer }).get()).issuer).toBe(issuer);
    } finally {
      fetched.mockRestore();
    }
  });

  it.each(endpoints)('is refused when its %s is on a host that is not allowed [NET-09]', async (name) => {
    const issuer = 'https://op.example';
    const limited = (...allowedHosts: string[]): Partial<ResolvedOptions> => ({
      issuer,
      allowInsecure: false,
      provider: { timeout: 10, metadataLifetime: 3600, keysLifetime: 600, allowedHosts },
    });
    for (const elsewhere of ['https://other.example/x', 'https://op.example:8443/x', 'https://op.example.evil/x']) {
      const fetched = serve(issuer, { [name]: elsewhere });
      try {
        await expect(metadataOf(limited('op.example')).get()).rejects.toMatchObject({
          code: 'provider_metadata_invalid',
          detail: name,
        });
        const { host } = new URL(elsewhere);
        expect((await metadataOf(limited('op.example', host)).get()).issuer).toBe(issuer);
      } finally {
        fetched.mockRestore();
      }
    }
  });
});
