import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Browser, type BrowserResponse } from '../support/browser.js';
import {
  ScriptedProvider,
  startAppAt,
  type Answer,
  type NoAnswer,
  type SeenRequest,
} from '../support/scripted-provider.js';
import type { TestApp } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';
import { freePort } from '../support/free-port.js';
import { startApp } from '../support/test-app.js';

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:the-request';
const PUSHED: Answer = { status: 201, body: { request_uri: REQUEST_URI, expires_in: 60 } };

describe('a provider that demands pushed authorization requests [ARQ-07]', () => {
  let provider: ScriptedProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
  });

  afterAll(() => provider.stop());

  beforeEach(async () => {
    provider.reset();
    provider.script.discovery = (document) => ({
      ...document,
      require_pushed_authorization_requests: true,
      pushed_authorization_request_endpoint: `${provider.issuer}/par`,
    });
    answerPushWith(PUSHED);
    app = await startAppAt(provider, { options: { provider: { timeout: 1 } } });
  });

  afterEach(() => app.close());

  function answerPushWith(answer: Answer | NoAnswer): void {
    provider.script.answer = ({ path }) => (path === '/par' ? answer : undefined);
  }

  const login = (): Promise<BrowserResponse> => new Browser().open(`${app.url}/auth/login`);
  const pushed = (): SeenRequest[] => provider.to('/par');

  it('gets the request from us, with the client’s proof, and the browser carries a reference alone', async () => {
    const { status, location = '' } = await login();
    expect(status).toBe(302);
    expect([...new URL(location).searchParams].sort()).toEqual([
      ['client_id', CLIENT_ID],
      ['request_uri', REQUEST_URI],
    ]);
    const [request, ...others] = pushed();
    expect(others).toEqual([]);
    expect(request).toMatchObject({ method: 'POST', target: '/par' });
    const [scheme, credentials = ''] = (request?.headers.authorization ?? '').split(' ');
    expect(scheme).toBe('Basic');
    expect(decodeURIComponent(Buffer.from(credentials, 'base64').toString())).toBe(`${CLIENT_ID}:${CLIENT_SECRET}`);
    expect(Object.fromEntries(request?.params ?? [])).toMatchObject({
      response_type: 'code',
      redirect_uri: `${app.url}/auth/callback`,
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/u),
      nonce: expect.stringMatching(/^[\w-]{43}$/u),
    });
    expect([...(request?.params.keys() ?? [])].sort()).toEqual([...new Set(request?.params.keys())].sort());
  });

  it.each<[string, number, string, Answer | NoAnswer]>([
    ['is refused', 502, 'pushed_request_failed', { status: 400, body: { error: 'invalid_request_object' } }],
    ['is refused for the client', 502, 'client_auth_failed', { status: 401, body: { error: 'invalid_client' } }],
    ['is a 200', 502, 'pushed_request_failed', { status: 200, body: { request_uri: REQUEST_URI, expires_in: 60 } }],
    ['has no reference', 502, 'pushed_request_failed', { status: 201, body: { expires_in: 60 } }],
    [
      'has a reference that is no text',
      502,
      'pushed_request_failed',
      { status: 201, body: { request_uri: [], expires_in: 60 } },
    ],
    ['is HTML', 502, 'pushed_request_failed', { status: 201, body: '<html></html>' }],
    ['is somewhere else', 502, 'pushed_request_failed', { status: 307, headers: { location: '/elsewhere' } }],
    ['is too large', 502, 'response_too_large', { status: 201, body: 'x'.repeat(1024 * 1024 + 1) }],
    ['is an error of the server', 503, 'provider_unreachable', { status: 500 }],
    ['never comes', 503, 'provider_unreachable', 'drop'],
    ['comes after the deadline', 503, 'provider_unreachable', 'hang'],
  ])(
    'starts no login when its answer %s: nothing goes through the browser instead',
    async (_, status, code, answer) => {
      answerPushWith(answer);
      const page = await login();
      expect(page).toMatchObject({ status, location: undefined, setCookies: [] });
      expect(page.body).toContain(code);
      expect(page.body + JSON.stringify(app.events)).not.toContain(pushed()[0]?.params.get('state') ?? 'no request');
      expect(pushed()).toHaveLength(1);
      expect(provider.count('/elsewhere')).toBe(0);
    },
  );
});

describe('a provider that takes pushed authorization requests and does not demand them', () => {
  let provider: ScriptedProvider;
  let app: TestApp | undefined;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
  });

  afterAll(() => provider.stop());

  beforeEach(() => {
    provider.reset();
    provider.script.answer = ({ path }) => (path === '/par' ? PUSHED : undefined);
    offer(`${provider.issuer}/par`);
  });

  afterEach(() => app?.close());

  function offer(endpoint: string | undefined): void {
    provider.script.discovery = (document) => ({ ...document, pushed_authorization_request_endpoint: endpoint });
  }

  async function login(options: { readonly pushedRequests?: boolean }): Promise<BrowserResponse> {
    app = await startAppAt(provider, { options: { login: options } });
    return new Browser().open(`${app.url}/auth/login`);
  }

  it('gets none', async () => {
    const { location = '' } = await login({});
    expect(new URL(location).searchParams.has('state')).toBe(true);
    expect(provider.count('/par')).toBe(0);
  });

  it('gets them where the option login.pushedRequests is set [ARQ-07]', async () => {
    const { location = '' } = await login({ pushedRequests: true });
    expect(Object.fromEntries(new URL(location).searchParams)).toEqual({
      client_id: CLIENT_ID,
      request_uri: REQUEST_URI,
    });
    expect(provider.count('/par')).toBe(1);
  });

  it('cannot be used with that option once it takes none: nothing goes through the browser instead [ARQ-07]', async () => {
    offer(undefined);
    expect(await login({ pushedRequests: true })).toMatchObject({ status: 502, location: undefined, setCookies: [] });
    expect(app?.events).toContainEqual(
      expect.objectContaining({
        name: 'provider.metadata_rejected',
        reason: 'pushed_authorization_request_endpoint',
        explanation: expect.stringContaining('it has no pushed_authorization_request_endpoint'),
      }),
    );
  });
});

it('logs a user in at a real provider that takes pushed requests only [ARQ-07]', async () => {
  const port = await freePort();
  const provider = await TestProvider.start({
    redirectUris: [`http://localhost:${port}/auth/callback`],
    configuration: {
      features: {
        devInteractions: { enabled: false },
        pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      },
    },
  });
  const app = await startApp({ port, issuer: provider.issuer });
  try {
    const page = await new Browser().navigate(`${app.url}/profile`);
    expect(page.json()).toMatchObject({ user: { sub: 'alice' } });
    expect(provider.requests.filter((path) => path === '/request')).toHaveLength(1);
  } finally {
    await app.close();
    await provider.stop();
  }
});
