import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { OidcError, type OidcOptions } from 'nest-oidc';
import { inspect } from 'node:util';
import { ProviderService } from '../../lib/provider/provider.service.js';
import { Browser, type BrowserResponse } from '../support/browser.js';
import {
  ACCESS_TOKEN,
  REFRESH_TOKEN,
  ScriptedProvider,
  startAppAt,
  type Answer,
  type Json,
  type NoAnswer,
} from '../support/scripted-provider.js';
import { newSigningKey, unsignedJwt } from '../support/signing-keys.js';
import type { TestApp } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';

describe('a token response', () => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider, { options: { provider: { timeout: 1 } } });
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    provider.reset();
    browser = new Browser();
  });

  const login = (): Promise<BrowserResponse & { url: string }> =>
    browser.navigate(`${app.url}/auth/login?returnTo=/profile`);

  const bend = (bent: Json): void => {
    provider.script.tokenResponse = (response) => ({ ...response, ...bent });
  };

  const answerTokenWith = (answer: Answer | NoAnswer): void => {
    provider.script.answer = ({ path }) => (path === '/token' ? answer : undefined);
  };

  async function expectRefusal(status: number, code: string): Promise<BrowserResponse> {
    const answer = await login();
    expect(answer).toMatchObject({ status, url: expect.stringContaining('/auth/callback') });
    expect(answer.body).toContain(code);
    expect(browser.cookies.has('sid')).toBe(false);
    expect(provider.count('/token')).toBe(1);
    for (const secret of [ACCESS_TOKEN, REFRESH_TOKEN]) {
      expect(answer.body + JSON.stringify(answer.headers) + JSON.stringify(app.events)).not.toContain(secret);
    }
    return answer;
  }

  it.each<[string, Json]>([
    ['has no expires_in', { expires_in: undefined }],
    ['has an expires_in in digits', { expires_in: '3600' }],
    ['expires at once', { expires_in: 0 }],
    ['has no refresh token', { refresh_token: undefined }],
    ['has no scope', { scope: undefined }],
    ['spells its token_type in lower case', { token_type: 'bearer' }],
    ['has members that nobody knows', { surprise: { deep: [1] }, __proto__: { polluted: true } }],
  ])('is accepted when it %s [TOK-01] [TOK-03]', async (_, bent) => {
    bend(bent);
    const page = await browser.navigate(`${app.url}/auth/login`);
    expect(page).toMatchObject({ status: 200, url: `${app.url}/` });
    expect(browser.cookies.has('sid')).toBe(true);
  });

  it.each<[string, number, string, Json]>([
    ['has an error in a 200', 502, 'token_response_invalid', { error: 'made_up' }],
    ['has an error that is no string in a 200', 502, 'token_response_invalid', { error: { code: 1 } }],
    ['has tokens beside the error that refuses the code', 502, 'token_response_invalid', { error: 'invalid_grant' }],
    ['has no access token', 502, 'token_response_invalid', { access_token: undefined }],
    ['has an empty access token', 502, 'token_response_invalid', { access_token: '' }],
    ['has an access token that is no string', 502, 'token_response_invalid', { access_token: { a: 1 } }],
    ['has no ID token', 502, 'token_response_invalid', { id_token: undefined }],
    ['has an ID token that is no string', 502, 'token_response_invalid', { id_token: ['e30.e30.e30'] }],
    ['has no token_type', 502, 'token_response_invalid', { token_type: undefined }],
    ['has an unknown token_type', 502, 'token_response_invalid', { token_type: 'mac' }],
    ['is bound to a key that we do not have', 502, 'token_response_invalid', { token_type: 'DPoP' }],
    ['has a refresh token that is no string', 502, 'token_response_invalid', { refresh_token: 5 }],
    ['has letters after its expires_in', 502, 'token_response_invalid', { expires_in: '3600abc' }],
    ['has an expires_in of Infinity', 502, 'token_response_invalid', { expires_in: 'Infinity' }],
    ['has a negative expires_in', 502, 'token_response_invalid', { expires_in: -1 }],
    ['has a negative expires_in in digits', 502, 'token_response_invalid', { expires_in: '-1' }],
    ['has a hexadecimal expires_in', 502, 'token_response_invalid', { expires_in: '0x10' }],
    ['has an expires_in that is a list', 502, 'token_response_invalid', { expires_in: [3600] }],
    ['has an expires_in that is an object', 502, 'token_response_invalid', { expires_in: {} }],
    ['has an expires_in of half a second more', 502, 'token_response_invalid', { expires_in: 3600.5 }],
    ['is nested 40 levels deep', 502, 'token_response_invalid', { surprise: nested(40) }],
  ])('makes no session when it %s [TOK-01] [TOK-02] [TOK-03]', async (_, status, code, bent) => {
    bend(bent);
    await expectRefusal(status, code);
  });

  it.each([1e308, '9'.repeat(15), 31_536_001])(
    'is not believed beyond a year when it says expires_in %p [TOK-03]',
    async (seconds) => {
      bend({ expires_in: seconds });
      expect((await login()).status).toBe(200);
    },
  );

  it.each<[string, string | undefined, string]>([
    ['says that it is HTML', 'text/html', ''],
    ['says that it is text', 'text/plain; charset=utf-8', ''],
    ['does not say what it is', undefined, ''],
    [
      'repeats its ID token, of which parsers take the first or the last',
      'application/json',
      '"id_token":"e30.e30.e30",',
    ],
    ['repeats its token_type', 'application/json', '"token_type":"Bearer",'],
  ])('makes no session when it is good but %s [TOK-01]', async (_, contentType, before) => {
    provider.script.tokenHeaders = contentType === undefined ? {} : { 'content-type': contentType };
    provider.script.tokenResponse = (response) => JSON.stringify(response).replace('{', `{${before}`);
    await expectRefusal(502, 'token_response_invalid');
  });

  it('is accepted when it spells application/json otherwise and adds a charset [TOK-01]', async () => {
    provider.script.tokenHeaders = { 'content-type': 'Application/JSON ; charset=UTF-8' };
    expect((await login()).status).toBe(200);
  });

  it('gives an access token that is never read for who the user is [TOK-05]', async () => {
    bend({
      access_token: unsignedJwt({ iss: provider.issuer, sub: 'mallory', name: 'Mallory', email: 'm@example.com' }),
    });
    const { user } = (await login()).json<{ user: Json }>();
    expect(user).toMatchObject({ sub: 'alice' });
    expect(JSON.stringify(user)).not.toMatch(/mallory|m@example/iu);
  });

  it.each<[string, number, string, Answer | NoAnswer]>([
    [
      'is HTML',
      502,
      'token_response_invalid',
      { headers: { 'content-type': 'text/html' }, body: '<html>Login</html>' },
    ],
    ['is empty', 502, 'token_response_invalid', { body: '' }],
    ['is a list', 502, 'token_response_invalid', { body: [] }],
    [
      'is a string',
      502,
      'token_response_invalid',
      { body: '"token"', headers: { 'content-type': 'application/json' } },
    ],
    [
      'has the status 201',
      502,
      'token_response_invalid',
      { status: 201, body: { access_token: 'a', token_type: 'Bearer' } },
    ],
    ['has the status 204', 502, 'token_response_invalid', { status: 204 }],
    ['refuses the code in a 200', 400, 'token_request_failed', { body: { error: 'invalid_grant' } }],
    ['refuses the code', 400, 'token_request_failed', { status: 400, body: { error: 'invalid_grant' } }],
    ['refuses the client', 502, 'client_auth_failed', { status: 401, body: { error: 'invalid_client' } }],
    [
      'refuses the client by a challenge',
      502,
      '',
      { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: {} },
    ],
    [
      'refuses for a reason that nobody knows',
      502,
      'token_response_invalid',
      { status: 400, body: { error: 'made_up' } },
    ],
    ['is an error of the server', 503, 'provider_unreachable', { status: 500, body: 'oops' }],
    ['is an error of the gateway', 503, 'provider_unreachable', { status: 502, body: '<html></html>' }],
    ['says that there are too many requests', 503, 'provider_unreachable', { status: 429 }],
    ['never comes', 503, 'provider_unreachable', 'drop'],
    ['comes after the deadline', 503, 'provider_unreachable', 'hang'],
    ['is larger than 1 MiB', 502, 'response_too_large', { body: { padding: 'x'.repeat(1024 * 1024) } }],
  ])(
    'makes no session, and is not asked for again, when it %s [TOK-01] [NET-03] [NET-04]',
    async (_, status, code, answer) => {
      answerTokenWith(answer);
      const page = await expectRefusal(status, code);
      expect(page.headers['retry-after'] !== undefined).toBe(status === 503);
    },
  );

  it.each([301, 302, 307, 308])(
    'makes no session when it is a redirect (%i), which is not followed [NET-02]',
    async (status) => {
      answerTokenWith({ status, headers: { location: `${provider.issuer}/elsewhere` } });
      await expectRefusal(502, 'token_response_invalid');
      expect(provider.count('/elsewhere')).toBe(0);
    },
  );

  it('makes no session when its body stops halfway [TOK-01]', async () => {
    answerTokenWith({ headers: { 'content-length': '1000' }, body: '{"access_token":' });
    await expectRefusal(503, 'provider_unreachable');
  });

  it.each<[string, Json]>([
    ['an unknown token_type', { token_type: 'unheard-of' }],
    ['no ID token', { id_token: undefined }],
    ['a wrong expires_in', { expires_in: -1 }],
    ['an ID token that is none', { id_token: 'e30.e30.e30' }],
  ])('leaves no token or code in its error, however it is printed, when it has %s [LOG-02]', async (_, bent) => {
    const request = new URLSearchParams({ client_id: CLIENT_ID, scope: 'openid' });
    provider.codes.set('the-code', request);
    bend(bent);
    const exchange = {
      code: 'the-code',
      redirectUri: `${app.url}/auth/callback`,
      nonce: 'n',
      codeVerifier: 'v'.repeat(43),
    };
    const error: unknown = await app.app
      .get(ProviderService, { strict: false })
      .exchangeCode({ ...exchange, authenticatedSince: undefined })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OidcError);
    const printed = [
      inspect(error, { depth: 20 }),
      JSON.stringify(error),
      inspect({ ...(error as Error) }, { depth: 20 }),
    ];
    for (const secret of [ACCESS_TOKEN, REFRESH_TOKEN, 'the-code', 'vvvvv'])
      expect(printed.join()).not.toContain(secret);
  });

  it('shows the user nothing that the provider wrote [CB-07]', async () => {
    answerTokenWith({ status: 400, body: { error: 'invalid_grant', error_description: '<script>alert(1)</script>' } });
    const { body } = await expectRefusal(400, 'token_request_failed');
    expect(body).not.toContain('<script');
  });
});

describe('a token request', () => {
  const key = newSigningKey('client-key', 'ES256');
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

  /** Logs in and answers the one token request of it. */
  async function tokenRequestOf(options: Partial<OidcOptions>): Promise<ReturnType<ScriptedProvider['to']>[number]> {
    app = await startAppAt(provider, { options });
    expect((await new Browser().navigate(`${app.url}/auth/login?returnTo=/profile`)).status).toBe(200);
    const [request, ...others] = provider.to('/token');
    if (!request || others.length > 0) throw new Error('There must be exactly one token request.');
    return request;
  }

  it('authenticates the client in the Authorization header with client_secret_basic, form-encoded first [CFG-06]', async () => {
    const odd = 'a secret: with + and % and ä';
    const { headers, params } = await tokenRequestOf({ clientSecret: odd });
    const [scheme, credentials = ''] = (headers.authorization ?? '').split(' ');
    expect(scheme).toBe('Basic');
    const decoded = Buffer.from(credentials, 'base64').toString('utf8').split(':');
    expect(decoded.map((part) => decodeURIComponent(part.replaceAll('+', '%20')))).toEqual([CLIENT_ID, odd]);
    expect(params.has('client_secret')).toBe(false);
  });

  it('authenticates the client in the body with client_secret_post [CFG-06]', async () => {
    const { headers, params } = await tokenRequestOf({ clientAuthentication: 'client_secret_post' });
    expect(headers.authorization).toBeUndefined();
    expect(params.getAll('client_id')).toEqual([CLIENT_ID]);
    expect(params.getAll('client_secret')).toEqual([CLIENT_SECRET]);
  });

  const privateKey = key.privateKey.export({ format: 'jwk' });
  it.each<[string, OidcOptions['clientPrivateKey'] & {}]>([
    ['a JWK', { key: { ...privateKey, alg: 'ES256', kid: 'client-key' } }],
    [
      'a PEM',
      { key: String(key.privateKey.export({ format: 'pem', type: 'pkcs8' })), algorithm: 'ES256', keyId: 'client-key' },
    ],
  ])(
    'authenticates the client by a short-lived assertion for the issuer with private_key_jwt and %s [CFG-06]',
    async (_, clientPrivateKey) => {
      const { headers, params } = await tokenRequestOf({ clientSecret: undefined as never, clientPrivateKey });
      expect(headers.authorization).toBeUndefined();
      expect(params.has('client_secret')).toBe(false);
      expect(params.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      const assertion = params.get('client_assertion') ?? '';
      const { payload } = await jwtVerify(assertion, key.publicKey, {
        algorithms: ['ES256'],
        requiredClaims: ['exp', 'iat', 'jti'],
      });
      expect(payload).toMatchObject({ iss: CLIENT_ID, sub: CLIENT_ID, aud: provider.issuer });
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(300);
      expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'ES256', kid: 'client-key' });
      expect(decodeProtectedHeader(assertion)).not.toHaveProperty('jwk');
    },
  );

  it('uses every assertion once [CFG-06]', async () => {
    const assertions = new Set<string>();
    for (let login = 0; login < 3; login += 1) {
      const clientPrivateKey = { key: { ...privateKey, alg: 'ES256' } };
      const { params } = await tokenRequestOf({ clientSecret: undefined as never, clientPrivateKey });
      const { payload } = await jwtVerify(params.get('client_assertion') ?? '', key.publicKey);
      assertions.add(payload.jti ?? '');
      await app?.close();
      provider.reset();
    }
    app = undefined;
    expect(assertions.size).toBe(3);
  });

  it('names a public client without any proof but PKCE [ARQ-03]', async () => {
    const { headers, params } = await tokenRequestOf({
      clientSecret: undefined as never,
      clientAuthentication: 'none',
    });
    expect(headers.authorization).toBeUndefined();
    expect(params.getAll('client_id')).toEqual([CLIENT_ID]);
    expect(params.has('client_secret') || params.has('client_assertion')).toBe(false);
    expect(params.get('code_verifier')).toMatch(/^[\w.~-]{43,128}$/u);
  });

  it('proves by its code_verifier that it comes from whom sent the S256 challenge [ARQ-03]', async () => {
    const { params } = await tokenRequestOf({});
    const [authorization] = provider.to('/authorize');
    expect(authorization?.params.get('code_challenge_method')).toBe('S256');
    const challenge = createHash('sha256')
      .update(params.get('code_verifier') ?? '')
      .digest('base64url');
    expect(authorization?.params.get('code_challenge')).toBe(challenge);
  });

  it('repeats the redirect URI and sends the code once [CFG-03]', async () => {
    const { method, params, target } = await tokenRequestOf({});
    expect({ method, target }).toEqual({ method: 'POST', target: '/token' });
    expect(params.getAll('grant_type')).toEqual(['authorization_code']);
    expect(params.getAll('redirect_uri')).toEqual(provider.to('/authorize')[0]?.params.getAll('redirect_uri'));
    expect(params.getAll('code')).toHaveLength(1);
  });

  it('is the only request that carries the proof of the client [NET-10]', async () => {
    await tokenRequestOf({ login: { userinfo: true } });

    const carriers = provider.requests.filter(({ headers, params }) => {
      const sent = JSON.stringify([headers, Object.fromEntries(params)]);
      return headers.authorization?.startsWith('Basic ') || sent.includes(CLIENT_SECRET);
    });
    expect(new Set(provider.requests.map(({ path }) => path)).size).toBe(5);
    expect(carriers.map(({ path }) => path)).toEqual(['/token']);
  });

  it('puts no secret, token or verifier into a URL [NET-10] [UIN-02]', async () => {
    const { params } = await tokenRequestOf({ login: { userinfo: true } });
    const secrets = [
      CLIENT_SECRET,
      ACCESS_TOKEN,
      REFRESH_TOKEN,
      params.get('code_verifier') ?? '-',
      params.get('code') ?? '-',
    ];
    const targets = provider.requests.map(({ target }) => target).join('\n');
    for (const secret of secrets) expect(targets).not.toContain(secret);
  });
});

function nested(depth: number): unknown {
  return depth === 0 ? {} : [nested(depth - 1)];
}
