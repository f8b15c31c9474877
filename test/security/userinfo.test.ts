import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Browser, type BrowserResponse } from '../support/browser.js';
import {
  ACCESS_TOKEN,
  ScriptedProvider,
  startAppAt,
  type Answer,
  type Json,
  type NoAnswer,
} from '../support/scripted-provider.js';
import { compactJws, newSigningKey, signatureBy, unsignedJwt } from '../support/signing-keys.js';
import type { TestApp } from '../support/test-app.js';
import { CLIENT_ID } from '../support/test-provider.js';

describe('the UserInfo endpoint', () => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { options: { login: { userinfo: true } } });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    provider.reset();
    browser = new Browser();
  });

  const login = (): Promise<BrowserResponse> => browser.navigate(`${app.url}/auth/login?returnTo=/profile`);

  it('gets the access token in the Authorization header and nowhere else [UIN-02]', async () => {
    expect((await login()).json()).toMatchObject({ user: { name: 'Alice' } });
    const [request] = provider.to('/userinfo');
    expect(request).toMatchObject({
      method: 'GET',
      target: '/userinfo',
      headers: { authorization: `Bearer ${ACCESS_TOKEN}` },
    });
  });

  it('is not asked before the ID token has passed every check [CB-11]', async () => {
    provider.script.idToken = (parts) => ({ ...parts, claims: { ...parts.claims, azp: 'another-client' } });
    expect((await login()).status).toBe(400);
    expect(provider.count('/userinfo')).toBe(0);
  });

  it('never overwrites what the ID token says about itself [UIN-03]', async () => {
    const protocol = [
      'iss',
      'aud',
      'exp',
      'iat',
      'nonce',
      'auth_time',
      'acr',
      'amr',
      'azp',
      'sid',
      'session_expiry',
      'at_hash',
      'events',
    ];
    provider.script.userInfo = (claims) => ({
      ...claims,
      ...Object.fromEntries(protocol.map((name) => [name, 'forged'])),
    });
    const { user } = (await login()).json<{ user: Json }>();
    expect(Object.values(user)).not.toContain('forged');
    expect(user).toMatchObject({ iss: provider.issuer, name: 'Alice' });
  });

  it('pollutes no prototype [UIN-03]', async () => {
    provider.script.answer = ({ path }) =>
      path === '/userinfo'
        ? { body: '{"sub":"alice","__proto__":{"polluted":1}}', headers: { 'content-type': 'application/json' } }
        : undefined;
    expect((await login()).status).toBe(200);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('has nothing fetched from the addresses that claims point at [UIN-05] [NET-08]', async () => {
    provider.script.userInfo = (claims) => ({
      ...claims,
      _claim_names: { address: 'src1' },
      _claim_sources: { src1: { endpoint: `${provider.issuer}/distributed`, access_token: 'x' } },
    });
    expect((await login()).status).toBe(200);
    expect(provider.count('/distributed')).toBe(0);
  });

  it.each<[string, Json]>([
    ['with iss and aud', { iss: 'the issuer', aud: CLIENT_ID, sub: 'alice' }],
    ['without iss and aud', { sub: 'alice' }],
  ])('is answered by JSON only: a token %s that it signed makes the login fail [UIN-04]', async (_, claims) => {
    const [key = newSigningKey('none')] = provider.keys;
    const signed = { ...claims, ...('iss' in claims ? { iss: provider.issuer } : {}) };
    provider.script.answer = ({ path }) =>
      path === '/userinfo'
        ? {
            headers: { 'content-type': 'application/jwt' },
            body: compactJws({ alg: key.alg, kid: key.kid }, signed, signatureBy(key)),
          }
        : undefined;
    expect((await login()).status).toBe(502);
    expect(browser.cookies.has('sid')).toBe(false);
  });

  it('must be there when it is to be asked', async () => {
    provider.script.discovery = (document) => ({ ...document, userinfo_endpoint: undefined });
    const without = await startAppAt(provider, { options: { login: { userinfo: true } } });
    try {
      expect((await browser.navigate(`${without.url}/auth/login`)).status).toBe(502);
      expect(browser.cookies.has('sid')).toBe(false);
    } finally {
      await without.close();
    }
  });

  it('is not asked where the option does not ask for it', async () => {
    const plain = await startAppAt(provider);
    try {
      expect((await browser.navigate(`${plain.url}/auth/login?returnTo=/profile`)).status).toBe(200);
      expect(provider.count('/userinfo')).toBe(0);
    } finally {
      await plain.close();
    }
  });

  it.each<[string, number, Answer | NoAnswer]>([
    ['is about somebody else', 502, { body: { sub: 'mallory', name: 'Mallory' } }],
    ['is about nobody', 502, { body: { name: 'Alice' } }],
    [
      'is a signed token, which nobody has asked for',
      502,
      { headers: { 'content-type': 'application/jwt' }, body: unsignedJwt({ sub: 'alice' }) },
    ],
    ['is good, but says that it is HTML', 502, { headers: { 'content-type': 'text/html' }, body: '{"sub":"alice"}' }],
    ['is good, but does not say what it is', 502, { body: '{"sub":"alice"}' }],
    ['is good, but not a 200', 502, { status: 201, body: { sub: 'alice' } }],
    [
      'is about two users at once',
      502,
      { headers: { 'content-type': 'application/json' }, body: '{"sub":"mallory","sub":"alice"}' },
    ],
    ['spells the user otherwise', 502, { body: { sub: 'Alice' } }],
    ['names a list of users', 502, { body: { sub: ['alice'] } }],
    ['is nested so deep that walking it would exhaust the stack', 502, deep('{"sub":"alice","a":', 100_000)],
    ['is HTML', 502, { headers: { 'content-type': 'text/html' }, body: '<html></html>' }],
    ['is a redirect', 502, { status: 302, headers: { location: '/elsewhere' } }],
    ['is refused', 502, { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }],
    [
      'has more than 500 claims',
      502,
      { body: Object.fromEntries([['sub', 'alice'], ...Array.from({ length: 501 }, (_, i) => [`c${i}`, 1])]) },
    ],
    ['is larger than 1 MiB', 502, { body: { sub: 'alice', padding: 'x'.repeat(1024 * 1024) } }],
    ['is an error of the server', 503, { status: 500 }],
    ['never comes', 503, 'drop'],
  ])('makes the login fail when its answer %s [UIN-01] [UIN-04] [NET-02] [NET-04]', async (_, status, answer) => {
    provider.script.discovery = (document) => ({
      ...document,
      userinfo_signing_alg_values_supported: ['none', 'RS256'],
    });
    const fresh = await startAppAt(provider, { options: { login: { userinfo: true } } });
    try {
      provider.script.answer = ({ path }) => (path === '/userinfo' ? answer : undefined);
      const page = await browser.navigate(`${fresh.url}/auth/login?returnTo=/profile`);
      expect(page.status).toBe(status);
      expect(browser.cookies.has('sid')).toBe(false);
      expect(provider.count('/elsewhere')).toBe(0);
    } finally {
      await fresh.close();
    }
  });
});

function deep(start: string, depth: number): Answer {
  const body = `${start}${'['.repeat(depth)}${']'.repeat(depth)}}`;
  return { headers: { 'content-type': 'application/json' }, body };
}
