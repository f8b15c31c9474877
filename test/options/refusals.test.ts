import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OidcConfigurationError } from '../../lib/common/errors.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes, ROUTE_NAMES } from '../../lib/options/routes.js';
import { MemorySessionStore } from '../../lib/store/memory-session-store.js';
import { OLDER_SECRET, problemsOf, resolve, SECRET } from './valid-options.js';

/** Every problem starts with the option's own name. */
function problemOf(option: string): unknown {
  return [expect.stringMatching(new RegExp(`^${option.replaceAll(/[.[\]]/gu, String.raw`\$&`)}: .+`, 'u'))];
}

describe('the options are refused', () => {
  it('with every problem in one error', () => {
    expect(() => resolve({ issuer: undefined, clientId: '', secret: undefined, sesion: {} })).toThrow(
      OidcConfigurationError,
    );
    const problems = problemsOf({
      issuer: undefined,
      clientId: '',
      secret: undefined,
      sesion: {},
      refresh: { leeway: -1 },
      session: { cookie: { sameSite: 'none' } },
    });
    expect(problems.map((problem) => problem.split(':', 1)[0]).sort()).toEqual([
      'clientId',
      'issuer',
      'refresh.leeway',
      'secret',
      'sesion',
      'session.cookie.sameSite',
    ]);
  });

  it('when nothing is given, naming what is missing', () => {
    expect(
      problemsOf({
        issuer: undefined,
        clientId: undefined,
        clientSecret: undefined,
        baseUrl: undefined,
        secret: undefined,
      }),
    ).toEqual([
      'baseUrl: is missing; use the address of this application as browsers see it, e.g. https://app.example.com',
      'issuer: is missing; use the issuer of the provider, e.g. https://login.example.com',
      'clientId: is missing; use the id that the provider gave to this client',
      'clientSecret: is missing; client_secret_basic needs it (or set clientAuthentication to private_key_jwt or none)',
      'secret: is missing; use 32 random characters or more, e.g. of `openssl rand -base64 48`',
    ]);
  });

  it.each([
    ['clientId', { clientId: 7 }],
    ['clientId', { clientId: '   ' }],
    ['clientSecret', { clientSecret: 7, clientAuthentication: 'none' }],
    ['clientAuthentication', { clientAuthentication: 'client_secret_jwt' }],
    ['allowInsecure', { allowInsecure: 'yes' }],
    ['allowedOrigins', { allowedOrigins: 'https://admin.example' }],
    ['allowedOrigins', { allowedOrigins: ['https://admin.example/'] }],
    ['allowedOrigins', { allowedOrigins: ['https://admin.example/path'] }],
    ['allowedOrigins', { allowedOrigins: ['null'] }],
    ['allowedOrigins', { allowedOrigins: ['*'] }],
    ['publicClaims', { publicClaims: [1] }],
    ['publicClaims', { publicClaims: [''] }],
    ['mapClaims', { mapClaims: {} }],
    ['onEvent', { onEvent: 'log' }],
    ['login', { login: 'openid' }],
    ['login.scope', { login: { scope: ['openid'] } }],
    ['logout.returnTo', { logout: { returnTo: '' } }],
    ['login', { login: [] }],
    ['login', { login: null }],
    ['login.scope', { login: { scope: 'profile email' } }],
    ['login.scope', { login: { scope: 'openidx' } }],
    ['login.authorizationParams', { login: { authorizationParams: ['prompt'] } }],
    ['login.authorizationParams', { login: { authorizationParams: { max: 1 } } }],
    ['login.forwardParams', { login: { forwardParams: ['redirect_uri'] } }],
    ['login.forwardParams', { login: { forwardParams: 'prompt' } }],
    ['login.maxAge', { login: { maxAge: -1 } }],
    ['login.maxAge', { login: { maxAge: Number.NaN } }],
    ['login.lifetime', { login: { lifetime: 59 } }],
    ['login.lifetime', { login: { lifetime: 1801 } }],
    ['login.lifetime', { login: { lifetime: '600' } }],
    ['login.defaultReturnTo', { login: { defaultReturnTo: '//evil.example' } }],
    ['login.defaultReturnTo', { login: { defaultReturnTo: 'https://evil.example' } }],
    ['login.callbackPath', { login: { callbackPath: '/cb' } }],
    ['login.userinfo', { login: { userinfo: 1 } }],
    ['login.pushedRequests', { login: { pushedRequests: 'always' } }],
    ['idToken.signingAlgorithms', { idToken: { signingAlgorithms: ['none'] } }],
    ['idToken.signingAlgorithms', { idToken: { signingAlgorithms: ['RS256', 'HS256'] } }],
    ['idToken.signingAlgorithms', { idToken: { signingAlgorithms: [] } }],
    ['idToken.trustedAudiences', { idToken: { trustedAudiences: 'api' } }],
    ['logout.clearSiteData', { logout: { clearSiteData: 'cache' } }],
    ['logout.clearSiteData', { logout: { clearSiteData: ['cache', 'cookies'] } }],
    ['logout.clearSiteData', { logout: { clearSiteData: ['cache', 'cache'] } }],
    ['idToken.clockTolerance', { idToken: { clockTolerance: 61 } }],
    ['session.store', { session: { store: {} } }],
    ['session.store', { session: { store: null } }],
    ['session.maxPerUser', { session: { maxPerUser: 0 } }],
    ['session.maxPerUser', { session: { maxPerUser: 1.5 } }],
    ['session.maxPerUser', { session: { maxPerUser: '3' } }],
    ['csrfHeader', { csrfHeader: 'x csrf' }],
    ['csrfHeader', { csrfHeader: 'Content-Type' }],
    ['refresh.lease', { refresh: { lease: 14 } }],
    ['refresh.lease', { provider: { timeout: 30 }, refresh: { lease: 34 } }],
    ['session.idleTimeout', { session: { idleTimeout: 0 } }],
    ['session.idleTimeout', { session: { idleTimeout: Number.POSITIVE_INFINITY } }],
    ['session.idleTimeout', { session: { idleTimeout: 7200, absoluteLifetime: 3600 } }],
    ['session.absoluteLifetime', { session: { absoluteLifetime: 2_592_001 } }],
    ['session.cookie.name', { session: { cookie: { name: 'a b' } } }],
    ['session.cookie.name', { session: { cookie: { name: 'a;b' } } }],
    ['session.cookie.name', { session: { cookie: { name: 'a=b' } } }],
    ['session.cookie.name', { session: { cookie: { name: 'é' } } }],
    ['session.cookie.name', { session: { cookie: { name: 'x'.repeat(65) } } }],
    ['session.cookie.sameSite', { session: { cookie: { sameSite: 'none' } } }],
    ['session.cookie.persistent', { session: { cookie: { persistent: 'no' } } }],
    ['refresh.leeway', { refresh: { leeway: 3601 } }],
    ['refresh.waitTimeout', { refresh: { waitTimeout: 0 } }],
    ['refresh.background', { refresh: { background: null } }],
    ['logout.provider', { logout: { provider: 'yes' } }],
    ['logout.revokeTokens', { logout: { revokeTokens: 0 } }],
    ['logout.returnTo', { logout: { returnTo: 'bye' } }],
    ['provider.timeout', { provider: { timeout: 31 } }],
    ['provider.metadataLifetime', { provider: { metadataLifetime: 59 } }],
    ['provider.keysLifetime', { provider: { keysLifetime: 601 } }],
    ['provider.allowedHosts', { provider: { allowedHosts: 'login.example.com' } }],
    ['provider.allowedHosts', { provider: { allowedHosts: [] } }],
    ['provider.allowedHosts', { provider: { allowedHosts: ['https://login.example.com'] } }],
    ['provider.allowedHosts', { provider: { allowedHosts: ['login.example.com/'] } }],
    ['provider.allowedHosts', { provider: { allowedHosts: ['login.example.com:443'] } }],
    ['provider.allowedHosts', { provider: { allowedHosts: ['Login.example.com'] } }],
    ['provider.allowedHosts', { provider: { allowedHosts: ['*.example.com'] } }],
    ['provider.allowedHosts', { provider: { allowedHosts: ['login.example.com', 'user@login.example.com'] } }],
  ])('when %s is not what it must be: %j [CFG-05] [CFG-08] [CFG-10]', (option, changes) => {
    expect(problemsOf(changes)).toEqual(problemOf(option));
  });

  it('naming the cure', () => {
    expect(problemsOf({ refresh: { leeway: 4000 } })).toEqual([
      'refresh.leeway: must be a number of seconds from 0 to 3600',
    ]);
    expect(problemsOf({ session: { cookie: { sameSite: 'none' } } })).toEqual([
      'session.cookie.sameSite: must be one of lax, strict',
    ]);
    expect(problemsOf({ session: { store: { get: () => undefined } } })).toEqual([
      'session.store: must be a SessionStore; it lacks create, replace, touch, delete, lock, unlock, markUsed, ' +
        'addMember, members, removeMember',
    ]);
  });

  it.each([
    ['clientSecrets', { clientSecrets: 'x' }],
    ['login.scopes', { login: { scopes: 'openid' } }],
    ['idToken.algorithms', { idToken: { algorithms: ['none'] } }],
    ['session.ttl', { session: { ttl: 1 } }],
    ['session.cookie.secure', { session: { cookie: { secure: false } } }],
    ['session.cookie.domain', { session: { cookie: { domain: 'example.com' } } }],
    ['refresh.leas', { refresh: { leas: 1 } }],
    ['logout.redirect', { logout: { redirect: '/' } }],
    ['provider.retries', { provider: { retries: 3 } }],
    [
      'clientPrivateKey.kid',
      {
        clientSecret: undefined,
        clientPrivateKey: { key: '-----BEGIN PRIVATE KEY-----', kid: 'x' },
      },
    ],
  ])('when %s is not an option, naming those there are [CFG-07] [CFG-08]', (option, changes) => {
    const problems = problemsOf(changes);
    expect(problems).toEqual(problemOf(option));
    expect(problems[0]).toMatch(/is not an option; the options here are \w+/u);
  });

  it.each([7, 'options', null, []])('when they are %j', (options) => {
    expect(() => resolveOptions(options as never, resolveRoutes())).toThrow(/ - must be an object\n/u);
  });

  it.each(['global', 'globalGuard', 'routes'])('when %s comes from a factory', (name) => {
    expect(problemsOf({ [name]: name === 'routes' ? {} : true })).toEqual([
      `${name}: belongs beside useFactory, useClass or useExisting: Nest needs it before they run`,
    ]);
  });
});

describe('the issuer [CFG-01]', () => {
  const { NODE_ENV } = process.env;
  afterEach(() => {
    process.env['NODE_ENV'] = NODE_ENV;
  });

  it.each([
    ['not a URL', 'login.example.com'],
    ['another scheme', 'ftp://login.example.com'],
    ['plain http', 'http://login.example.com'],
    ['a query', 'https://login.example.com?tenant=1'],
    ['an empty query', 'https://login.example.com?'],
    ['a fragment', 'https://login.example.com#x'],
    ['an empty fragment', 'https://login.example.com#'],
    ['a user name', 'https://user@login.example.com'],
    ['a password', 'https://:pass@login.example.com'],
    ['something else than text', 7],
    ['empty', ''],
  ])('is refused when it is or has %s', (_what, issuer) => {
    expect(problemsOf({ issuer })).toEqual(problemOf('issuer'));
  });

  it.each(['http://localhost:9000', 'http://127.0.0.1:9000', 'http://[::1]:9000', 'http://op.localhost'])(
    'may be %s where allowInsecure is set',
    (issuer) => {
      expect(resolve({ issuer, allowInsecure: true }).issuer).toBe(issuer);
      expect(problemsOf({ issuer })).toEqual([
        'issuer: must be https:; for development on a loopback address set allowInsecure: true',
      ]);
    },
  );

  it.each([
    'http://login.example.com',
    'http://127.evil.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://10.0.0.1',
    'http://0.0.0.0',
  ])('may not be %s even where allowInsecure is set', (issuer) => {
    expect(problemsOf({ issuer, allowInsecure: true })).toEqual([
      'issuer: must be https: unless it is a loopback address',
    ]);
  });

  it.each([
    'https://login.example.com/.well-known/openid-configuration',
    'https://login.example.com/tenant/.well-known/openid-configuration',
    'https://login.example.com/.well-known/oauth-authorization-server/tenant',
    'https://login.example.com/.well-known/',
    'https://login.example.com/x/../.well-known/openid-configuration',
  ])('is refused when it is %s, whose own issuer nobody would check [CFG-02]', (issuer) => {
    expect(problemsOf({ issuer })).toEqual(problemOf('issuer'));
  });

  it('may have a path', () => {
    expect(problemsOf({ issuer: 'https://login.example.com/realms/one' })).toEqual([]);
  });

  it('cannot be insecure in production', () => {
    process.env['NODE_ENV'] = 'production';
    expect(problemsOf({ issuer: 'http://localhost:9000', allowInsecure: true })).toEqual([
      'allowInsecure: is refused when NODE_ENV is production; use https and remove it',
    ]);
    expect(problemsOf({ allowInsecure: false })).toEqual([]);
  });
});

describe('baseUrl [CFG-03]', () => {
  it.each([
    'app.example.com',
    '/',
    'http://app.example.com',
    'https://app.example.com?x',
    'https://u:p@app.example.com',
  ])('is refused when it is %s', (baseUrl) => {
    expect(problemsOf({ baseUrl })[0]).toMatch(/^baseUrl: /u);
  });

  it('that cannot be used is the only problem, not one of the cookie as well', () => {
    expect(problemsOf({ baseUrl: 'app', session: { cookie: { name: '__Host-app' } } })).toEqual(problemOf('baseUrl'));
  });

  it('is never derived from anything else', () => {
    expect(problemsOf({ baseUrl: undefined })).toEqual(problemOf('baseUrl'));
  });
});

describe('client authentication [CFG-06]', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----';
  const jwk = { kty: 'EC', d: 'x', crv: 'P-256' };

  it.each([
    ['client_secret_basic', { clientAuthentication: 'client_secret_basic' }],
    ['client_secret_post', { clientAuthentication: 'client_secret_post' }],
    ['private_key_jwt', { clientSecret: undefined, clientPrivateKey: { key: pem } }],
    ['private_key_jwt', { clientSecret: undefined, clientPrivateKey: { key: jwk, keyId: 'a', algorithm: 'ES256' } }],
    ['none', { clientSecret: undefined, clientAuthentication: 'none' }],
  ])('may be %s: %j', (method, changes) => {
    expect(resolve(changes).clientAuthentication).toBe(method);
  });

  it.each([
    ['a secret is missing', { clientSecret: undefined }, 'clientSecret'],
    ['a secret is missing', { clientSecret: undefined, clientAuthentication: 'client_secret_post' }, 'clientSecret'],
    ['a key is missing', { clientSecret: undefined, clientAuthentication: 'private_key_jwt' }, 'clientPrivateKey'],
    ['a secret is not used', { clientPrivateKey: { key: pem } }, 'clientSecret'],
    ['a secret is not used', { clientAuthentication: 'none' }, 'clientSecret'],
    [
      'a key is not used',
      { clientAuthentication: 'client_secret_basic', clientPrivateKey: { key: pem } },
      'clientPrivateKey',
    ],
    ['a key is public', { clientSecret: undefined, clientPrivateKey: { key: { kty: 'EC' } } }, 'clientPrivateKey.key'],
    [
      'a key is no PKCS#8',
      { clientSecret: undefined, clientPrivateKey: { key: 'RSA PRIVATE KEY' } },
      'clientPrivateKey.key',
    ],
    ['a key is a function', { clientSecret: undefined, clientPrivateKey: { key: () => pem } }, 'clientPrivateKey.key'],
    ['a key is missing', { clientSecret: undefined, clientPrivateKey: {} }, 'clientPrivateKey.key'],
    [
      'a key has an unsafe algorithm',
      { clientSecret: undefined, clientPrivateKey: { key: pem, algorithm: 'HS256' } },
      'clientPrivateKey.algorithm',
    ],
  ])('is refused when %s: %j', (_what, changes, option) => {
    expect(problemsOf(changes)).toEqual(problemOf(option));
  });

  it('never shows the key in a problem', () => {
    const problems = problemsOf({ clientPrivateKey: { key: 'top-secret-key', algorithm: 'HS256' } });
    expect(problems.join('\n')).not.toContain('top-secret');
  });
});

describe('the secret [CFG-04]', () => {
  it.each([
    ['too short', 'hF3-kq9Zx_2vLw8RtYbN5sMd7PgJc0A'],
    ['one character, repeated', 'x'.repeat(64)],
    ['a few characters, repeated', 'abcabc'.repeat(10)],
    ['an example', 'change-me-change-me-please-0123456789'],
    ['an example', 'your-secret-goes-here-0123456789-abcdef'],
    ['an example', 'SuperSecretSuperSecretSuperSecret12345'],
    ['an example', 'use_at_least_32_characters_for_this_one'],
    ['an example', '0123456789abcdef0123456789abcdef'],
    ['an example', 'abcdefghijklmnopqrstuvwxyz0123456789'],
    ['no text', 12_345],
    ['null', null],
  ])('is refused when it is %s, and is not shown', (_what, secret) => {
    const problems = problemsOf({ secret });
    expect(problems).toEqual(problemOf('secret'));
    expect(problems.join('\n')).not.toContain(String(secret));
  });

  it('may be a list, of which the first seals', () => {
    expect(resolve({ secret: [SECRET, OLDER_SECRET] }).secrets).toEqual([SECRET, OLDER_SECRET]);
  });

  it.each([
    ['is empty', [], 'secret'],
    ['names a secret twice', [SECRET, SECRET], 'secret'],
    ['holds a short one', [SECRET, 'short'], 'secret[1]'],
    ['holds something else', [SECRET, undefined], 'secret[1]'],
  ])('is refused when the list %s', (_what, secret, option) => {
    const problems = problemsOf({ secret });
    expect(problems).toEqual(problemOf(option));
    expect(problems.join('\n')).not.toContain(SECRET);
  });

  it('never shows in the error, whatever else is wrong', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 12, maxLength: 31 }).filter((text) => /^\w+$/u.test(text)),
        (secret) => {
          expect(problemsOf({ secret, clientId: undefined }).join('\n')).not.toContain(secret);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('login.authorizationParams [ARQ-06]', () => {
  it.each([
    'client_assertion',
    'client_assertion_type',
    'client_id',
    'client_secret',
    'code_challenge',
    'code_challenge_method',
    'max_age',
    'nonce',
    'redirect_uri',
    'request',
    'request_uri',
    'response_mode',
    'response_type',
    'scope',
    'state',
  ])('must not set %s', (name) => {
    expect(problemsOf({ login: { authorizationParams: { audience: 'api', [name]: 'x' } } })).toEqual([
      `login.authorizationParams: must not set ${name}; the library sets them or has an option`,
    ]);
  });

  it('must not set what a browser may set', () => {
    const login = { authorizationParams: { prompt: 'login' }, forwardParams: ['prompt', 'login_hint'] };
    expect(problemsOf({ login })).toEqual(['login.forwardParams: prompt is already set by authorizationParams']);
  });
});

describe('session.idleTimeout', () => {
  it('may be as long as the absolute lifetime', () => {
    expect(problemsOf({ session: { idleTimeout: 3600, absoluteLifetime: 3600 } })).toEqual([]);
  });
});

describe('the session cookie [CFG-08]', () => {
  it.each(['__Host-sid', '__Secure-sid', '__host-sid'])('cannot be named %s on plain http', (name) => {
    const changes = { baseUrl: 'http://localhost:3000', allowInsecure: true, session: { cookie: { name } } };
    expect(problemsOf(changes)).toEqual([
      `session.cookie.name: ${name} needs https, and baseUrl is plain http; browsers would drop the cookie`,
    ]);
  });

  it.each(['__Host-app', '__Secure-app', 'app'])('can be named %s on https', (name) => {
    expect(problemsOf({ session: { cookie: { name } } })).toEqual([]);
  });
});

describe('routes', () => {
  it('can each be switched off', () => {
    const off = Object.fromEntries(ROUTE_NAMES.map((name) => [name, false]));
    expect(resolve({}, off).routes).toEqual(off);
  });

  it('can each have a path of their own', () => {
    const paths = Object.fromEntries(ROUTE_NAMES.map((name) => [name, `/own/${name}`]));
    expect(resolve({}, paths).routes).toEqual(paths);
  });

  it.each([
    'auth/login',
    '/',
    '',
    '//login',
    '/login?x=1',
    '/login#x',
    '/:login',
    '/log*',
    '/log(in)',
    '/{login}',
    '/[login]',
    '/log+in',
    '/login!',
    '/log in',
    '/a/../login',
    true,
    null,
    7,
  ])('cannot be %j', (login) => {
    expect(problemsOf({}, { login })).toEqual([
      'routes.login: must be a path such as /auth/login, without parameters, or false',
    ]);
  });

  it('cannot share a path', () => {
    expect(problemsOf({}, { callback: '/auth/login' })).toEqual(['routes.callback: is the same path as routes.login']);
  });

  it('cannot make the way back from a logout a loop', () => {
    expect(problemsOf({ logout: { returnTo: '/bye' } }, { postLogout: '/bye' })).toEqual([
      'logout.returnTo: is the same path as routes.postLogout, which would redirect to itself',
    ]);
  });

  it('cannot be others than there are', () => {
    expect(problemsOf({}, { register: '/register' })).toEqual([
      `routes.register: is not an option; the options here are ${ROUTE_NAMES.join(', ')}`,
    ]);
  });
});

describe('what the application gave', () => {
  const given = () => ({
    clientSecret: undefined,
    clientPrivateKey: { key: { kty: 'EC', d: 'x', nested: { a: [1] } } },
    secret: [SECRET, OLDER_SECRET],
    allowedOrigins: ['https://admin.example'],
    publicClaims: ['sub'],
    login: { authorizationParams: { audience: 'api' }, forwardParams: ['login_hint'] },
    session: { store: new MemorySessionStore(), cookie: { name: 'app' } },
    refresh: { leeway: 1 },
  });

  it('is not changed', () => {
    const options = given();
    const { store, ...session } = options.session;
    const before = structuredClone({ ...options, session });
    resolve(options);
    expect({ ...options, session }).toEqual(before);
    expect(options.session.store).toBe(store);
  });

  it('is not frozen', () => {
    const options = given();
    resolve(options);
    const inputs = [
      options,
      options.clientPrivateKey,
      options.clientPrivateKey.key,
      options.clientPrivateKey.key.nested,
      options.secret,
      options.allowedOrigins,
      options.publicClaims,
      options.login,
      options.login.authorizationParams,
      options.login.forwardParams,
      options.session,
      options.session.store,
      options.session.cookie,
      options.refresh,
    ];
    for (const input of inputs) expect(Object.isFrozen(input)).toBe(false);
  });

  it('has no influence later', () => {
    const options = given();
    const resolved = resolve(options);
    options.secret.push('x');
    options.allowedOrigins.push('https://evil.example');
    options.login.authorizationParams.audience = 'evil';
    options.clientPrivateKey.key.nested.a.push(2);
    expect(resolved.secrets).toHaveLength(2);
    expect(resolved.allowedOrigins).toHaveLength(1);
    expect(resolved.login.authorizationParams).toEqual({ audience: 'api' });
    expect(resolved.clientPrivateKey?.key).toEqual({ kty: 'EC', d: 'x', nested: { a: [1] } });
  });
});

describe('the resolved options', () => {
  it('are frozen all the way down, the store excepted', () => {
    const store = new MemorySessionStore();
    const options = resolve({ session: { store }, login: { authorizationParams: { a: 'b' } } });
    const frozen = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || value === store) return;
      expect(Object.isFrozen(value)).toBe(true);
      for (const member of Object.values(value)) frozen(member);
    };
    frozen(options);
    expect(Object.isFrozen(store)).toBe(false);
  });
});
