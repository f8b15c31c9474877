import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { globalAgent } from 'node:https';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppChecks } from '../../lib/cli/app-checks.js';
import { readArguments, USAGE } from '../../lib/cli/arguments.js';
import { runCommand } from '../../lib/cli/command.js';
import { examine } from '../../lib/cli/doctor.js';
import { Findings } from '../../lib/cli/findings.js';
import { checkRedis } from '../../lib/cli/redis-checks.js';
import type { Environment } from '../../lib/options/environment.js';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import { CERTIFICATE } from '../support/certificate.js';
import { freePort } from '../support/free-port.js';
import { RedisServer } from '../support/redis-server.js';
import { ScriptedProvider, type Json } from '../support/scripted-provider.js';
import { SECRET, startApp, type TestApp } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';
import { ReverseProxy } from './reverse-proxy.js';

const quiet = { asksApp: false, routes: {}, redisUrl: undefined };

/** A provider with a client, an application, and a proxy in front of it: everything as it should be. */
describe('the doctor', () => {
  let provider: TestProvider;
  let scripted: ScriptedProvider;
  let proxy: ReverseProxy;
  let app: TestApp;
  let appPort = 0;

  beforeAll(async () => {
    appPort = await freePort();
    proxy = await ReverseProxy.start(() => appPort);
    provider = await TestProvider.start({ redirectUris: [`${proxy.url}/auth/callback`] });
    scripted = await ScriptedProvider.start();
    app = await startApp({ port: appPort, issuer: provider.issuer, options: { baseUrl: proxy.url } });
  });
  afterEach(() => {
    proxy.meddling = {};
    scripted.reset();
    provider.fault = undefined;
  });
  afterAll(async () => {
    await Promise.all([app.close(), provider.stop(), scripted.stop()]);
    await proxy.stop();
  });

  const environment = (changes: Environment = {}): Environment => ({
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: CLIENT_ID,
    OIDC_CLIENT_SECRET: CLIENT_SECRET,
    BASE_URL: proxy.url,
    SESSION_SECRET: SECRET,
    ...changes,
  });

  const lines: string[] = [];
  beforeEach(() => void (lines.length = 0));

  const findingsOf = async (changes: Environment = {}, more: Partial<Parameters<typeof examine>[0]> = {}) => {
    const findings = new Findings((line) => lines.push(line));
    await examine({ ...quiet, asksApp: true, environment: environment(changes), ...more }, findings);
    return findings;
  };

  /** `subject: text → cure` of each fault. */
  const faultsOf = async (...args: Parameters<typeof findingsOf>): Promise<string[]> =>
    (await findingsOf(...args)).faults.map(({ subject, text, cure }) => `${subject}: ${text} → ${cure}`);

  it('finds nothing to mend where all is well, and says what it looked at', async () => {
    const redis = await RedisServer.start({ persistent: true, args: ['--maxmemory-policy', 'noeviction'] });
    const findings = await findingsOf({}, { redisUrl: redis.url });
    await redis.dispose();
    expect(findings.faults).toEqual([]);
    expect(lines.filter((line) => line.startsWith('✓')).map((line) => line.slice(2).split(':', 1)[0])).toEqual([
      'environment',
      'issuer',
      'PKCE',
      'ID token',
      'signing keys',
      'clock',
      'redirect URI',
      'client',
      'logout',
      'logout',
      'login route',
      'callback route',
      'cookies',
      'way back',
      'Redis',
      'Redis eviction',
      'Redis persistence',
    ]);
  });

  it('logs nobody in and prints no secret', async () => {
    const before = provider.grants.length;
    await findingsOf();
    expect(provider.grants.slice(before).filter(({ ok }) => ok)).toEqual([]);
    expect(lines.join('\n')).not.toContain(CLIENT_SECRET);
    expect(lines.join('\n')).not.toContain(SECRET);
  });

  describe('finds, and says how to mend,', () => {
    it('1. an environment that production refuses', async () => {
      const changes = { NODE_ENV: 'production', SESSION_SECRET: 'short', OIDC_CLIENT_ID: '' };
      expect(await faultsOf({ ...changes, OIDC_ISSUER: 'https://login.example.com' })).toEqual([
        expect.stringMatching(/^BASE_URL: must be https: → For development .+ set NODE_ENV=development\.$/u),
        expect.stringMatching(/^OIDC_CLIENT_ID: is missing → Use the id that the provider gave/u),
        expect.stringMatching(/^SESSION_SECRET: must have 32 characters or more → Use .+openssl/u),
      ]);
    });

    it('2. a provider that is not there', async () => {
      expect(await faultsOf({ OIDC_ISSUER: `http://localhost:${await freePort()}` }, { asksApp: false })).toEqual([
        expect.stringMatching(/^issuer: .+ECONNREFUSED.+ → Start the provider, correct host and port/u),
      ]);
    });

    it('3. an issuer that is spelled differently', async () => {
      expect(await faultsOf({ OIDC_ISSUER: `${provider.issuer}/` }, { asksApp: false })).toEqual([
        expect.stringMatching(/^issuer: .+its issuer is ".+:\d+" and .+ → Set OIDC_ISSUER to the issuer/u),
      ]);
    });

    it('4. a redirect URI that is not registered', async () => {
      const faults = await faultsOf({}, { asksApp: false, routes: { callback: '/other/callback' } });
      expect(faults[0]).toMatch(/^redirect URI: .+ → Register exactly http:.+\/other\/callback as a redirect URI/u);
    });

    it('4. the same, whatever the page says that refuses it', async () => {
      scripted.script.answer = ({ path }) => (path === '/authorize' ? { status: 400, body: 'Sorry.' } : undefined);
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toEqual([
        expect.stringMatching(/^redirect URI: .+status 400.+ → Register exactly/u),
      ]);
    });

    it('5. a client secret that is wrong', async () => {
      expect(await faultsOf({ OIDC_CLIENT_SECRET: 'not-the-secret' }, { asksApp: false })).toEqual([
        expect.stringMatching(
          /^client: the provider refuses test-client with invalid_client → Compare OIDC_CLIENT_ID/u,
        ),
      ]);
    });

    const withMetadata = async (change: (document: Json) => Json): Promise<string[]> => {
      scripted.script.discovery = change;
      return faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false });
    };

    it('6. a provider without PKCE by S256', async () => {
      expect(await withMetadata((document) => ({ ...document, code_challenge_methods_supported: ['plain'] }))).toEqual([
        expect.stringMatching(/^PKCE: .+plain only.+ → Switch PKCE with S256 on/u),
      ]);
    });

    it('7. ID tokens that are signed in a way that is not accepted', async () => {
      expect(
        await withMetadata((document) => ({
          ...document,
          id_token_signing_alg_values_supported: ['HS256', 'ES384'],
        })),
      ).toEqual([expect.stringMatching(/^ID token: .+ → Set OIDC_SIGNING_ALGORITHMS=ES384/u)]);
    });

    it('8. clocks that differ', async () => {
      scripted.script.answer = ({ path }) =>
        path === '/jwks'
          ? {
              headers: { date: new Date(Date.now() - 300_000).toUTCString() },
              body: { keys: scripted.keys.map(({ jwk }) => jwk) },
            }
          : undefined;
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toEqual([
        expect.stringMatching(
          /^clock: the provider is (?:29\d|30\d) s behind .+30 s are tolerated → Synchronize both/u,
        ),
      ]);
    });

    it('9. a proxy that takes cookies away, on the way out or on the way in', async () => {
      proxy.meddling = { response: (headers) => ({ ...headers, 'set-cookie': undefined }) };
      expect(await faultsOf()).toEqual([expect.stringMatching(/^cookies: .+ → Let the proxy .+ Set-Cookie\.$/u)]);
      proxy.meddling = { request: (headers) => ({ ...headers, cookie: undefined }) };
      expect(await faultsOf()).toEqual([expect.stringMatching(/^way back: .+ → Let the proxy .+ Cookie, unchanged/u)]);
    });

    it('10. a Redis that evicts', async () => {
      const redis = await RedisServer.start({ args: ['--maxmemory-policy', 'allkeys-lru'] });
      const faults = await faultsOf({ REDIS_URL: redis.url }, { asksApp: false, redisUrl: redis.url });
      await redis.dispose();
      expect(faults).toEqual([
        expect.stringMatching(/^Redis eviction: maxmemory-policy is allkeys-lru.+ → Set maxmemory-policy noeviction/u),
      ]);
      expect(lines.at(-2)).toMatch(/^! Redis persistence: no append-only file/u);
    });

    it('a proxy that rewrites cookies', async () => {
      proxy.meddling = {
        response: ({ 'set-cookie': cookies = [], ...headers }) => ({
          ...headers,
          'set-cookie': cookies.map((cookie) => cookie.replace('Path=/', 'Path=/app; Domain=localhost')),
        }),
      };
      expect(await faultsOf()).toEqual([
        expect.stringMatching(/^cookies: .+ changed: no path=\/, domain=localhost → .+ as it is/u),
      ]);
    });

    it('a proxy that drops the query, or does not pass the callback on', async () => {
      proxy.meddling = { target: (target) => target.replace(/\?.*/u, '') };
      expect(await faultsOf()).toEqual([expect.stringMatching(/^way back: the query .+ → .+ path and the query/u)]);
      proxy.meddling = { target: (target) => target.replace('/auth/callback', '/') };
      expect(await faultsOf()).toEqual([expect.stringMatching(/^way back: .+answers 200.+ → .+ --callback-path/u)]);
    });

    it('an application with another BASE_URL than the one that is examined', async () => {
      expect(await faultsOf({ BASE_URL: app.url })).toEqual([
        expect.stringMatching(/^redirect URI: /u),
        expect.stringMatching(/^callback route: .+ → Start the application with this BASE_URL/u),
      ]);
    });

    it('a login route that is elsewhere, and a proxy that does not reach the application', async () => {
      expect(await faultsOf({}, { routes: { login: '/login' } })).toEqual([
        expect.stringMatching(/^login route: .+ answers 404 .+ → Give --login-path/u),
      ]);
      const port = appPort;
      appPort = await freePort();
      expect(await faultsOf()).toEqual([expect.stringMatching(/^login route: .+ answers 502 .+ → Start the app/u)]);
      appPort = port;
    });

    it('a login that leads to another provider', async () => {
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer })).toEqual([
        expect.stringMatching(/^login route: .+ not the provider → Point the application at the same OIDC_ISSUER/u),
      ]);
    });

    it('scopes that the client may not ask for, in the provider’s own words', async () => {
      expect(await faultsOf({ OIDC_SCOPE: 'openid email' }, { asksApp: false })).toEqual([]);
      scripted.script.authorizationResponse = (params) =>
        new URLSearchParams({ error: 'invalid_scope', state: params.get('state') ?? '' });
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toEqual([
        expect.stringMatching(/^authorization request: .+invalid_scope → Check the scopes/u),
      ]);
    });

    it.each([
      [200, /another one seems to answer/u],
      [503, /log of the application/u],
      [504, /its proxy does not reach it/u],
    ])('a login route that answers %i', async (status, cure) => {
      scripted.script.answer = ({ path }) => (path === '/auth/login' ? { status } : undefined);
      const [fault] = await faultsOf({ BASE_URL: scripted.issuer, OIDC_ISSUER: scripted.issuer });
      expect(fault).toMatch(/^login route: /u);
      expect(fault).toMatch(cure);
    });

    it('an application that is really at another address', async () => {
      proxy.meddling = { response: (headers) => ({ ...headers, location: `${proxy.url}/app/auth/login` }) };
      expect(await faultsOf()).toEqual([
        expect.stringMatching(/^login route: .+\/app\/auth\/login, .+ → Set BASE_URL to the address/u),
      ]);
    });

    it('instances whose secrets differ, or a proxy that rewrites what a cookie says', async () => {
      proxy.meddling = {
        request: ({ cookie, ...headers }) => ({ ...headers, cookie: cookie?.replace(/=.*/u, '=another-value') }),
      };
      expect(await faultsOf()).toEqual([
        expect.stringMatching(/^way back: .+ cannot read the cookie .+ → Give all instances the same SESSION_SECRET/u),
      ]);
    });

    it('a way of authentication that the provider does not have', async () => {
      scripted.script.tokenResponse = () => ({ error: 'invalid_client' });
      const methods = { token_endpoint_auth_methods_supported: ['private_key_jwt'] };
      expect(await withMetadata((document) => ({ ...document, ...methods }))).toEqual([
        expect.stringMatching(/^client: .+ OIDC_CLIENT_AUTHENTICATION: the provider supports private_key_jwt/u),
      ]);
    });

    it('ID tokens that nobody could trust', async () => {
      const algorithms = { id_token_signing_alg_values_supported: ['HS256', 'none'] };
      expect(await withMetadata((document) => ({ ...document, ...algorithms }))).toEqual([
        expect.stringMatching(/^ID token: .+ → Let the provider sign the ID tokens of this client with RS256/u),
      ]);
    });

    it('a pushed authorization request that is refused', async () => {
      scripted.script.answer = ({ path }) => (path === '/par' ? { status: 400, body: {} } : undefined);
      const pushed = {
        require_pushed_authorization_requests: true,
        pushed_authorization_request_endpoint: `${scripted.issuer}/par`,
      };
      expect(await withMetadata((document) => ({ ...document, ...pushed }))).toEqual([
        expect.stringMatching(/^redirect URI: .+ refused the authorization request.+ → Register exactly/u),
      ]);
    });

    it('a public address that does not answer', async () => {
      const changes = { BASE_URL: `https://localhost:${await freePort()}`, OIDC_ISSUER: scripted.issuer };
      expect(await faultsOf(changes)).toEqual([
        expect.stringMatching(/^application: .+ECONNREFUSED.+ → Start the application and its proxy/u),
      ]);
    });

    it('what a provider says, on one line', async () => {
      scripted.script.authorizationResponse = () => new URLSearchParams({ error: 'no\n✓ all is well' });
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toHaveLength(1);
      expect(lines.join('\n')).toContain('refuses it with no ✓ all is well');
    });

    it('a provider without signing keys', async () => {
      scripted.script.jwks = () => ({ keys: [] });
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toEqual([
        expect.stringMatching(/^signing keys: there are none .+ → Create a signing key/u),
      ]);
      scripted.script.answer = ({ path }) => (path === '/jwks' ? 'drop' : undefined);
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toEqual([
        expect.stringMatching(/^signing keys: .+ does not answer .+ → Open the way/u),
      ]);
    });

    it.each([
      [{ status: 404 }, /with \/\.well-known/u],
      [{ status: 503 }, /Look into the provider’s log/u],
    ])('metadata that cannot be had: %j', async (answer, cure) => {
      scripted.script.answer = () => answer;
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toEqual([
        expect.stringMatching(cure),
      ]);
    });

    it('metadata that lack an endpoint', async () => {
      expect(await withMetadata((document) => ({ ...document, token_endpoint: undefined }))).toEqual([
        expect.stringMatching(/^issuer: .+ no token_endpoint.+ → Correct the provider’s configuration/u),
      ]);
    });

    it('a Redis that is not there, without repeating its password', async () => {
      const port = await freePort();
      const findings = new Findings();
      await checkRedis(`redis://:a-password-that-nobody-sees@localhost:${port}`, findings);
      expect(findings.faults).toEqual([
        expect.objectContaining({
          text: expect.stringContaining('ECONNREFUSED'),
          cure: expect.stringContaining('Start Redis'),
        }),
      ]);
      expect(JSON.stringify(findings.all)).not.toContain('a-password-that-nobody-sees');
    });

    it('a password that Redis does not accept', async () => {
      const redis = await RedisServer.start({ args: ['--requirepass', 'the-right-password'] });
      const findings = new Findings();
      await checkRedis(redis.url.replace('//', '//:the-wrong-password@'), findings);
      await redis.dispose();
      expect(findings.faults).toEqual([
        expect.objectContaining({
          text: expect.stringContaining('WRONGPASS'),
          cure: expect.stringContaining('password'),
        }),
      ]);
    });
  });

  describe('does not call a fault', () => {
    const notesOf = async (...args: Parameters<typeof findingsOf>): Promise<string[]> => {
      const { all } = await findingsOf(...args);
      return all.filter(({ mark }) => mark === 'note').map(({ subject, text }) => `${subject}: ${text}`);
    };

    it('an application on this machine that is not started', async () => {
      const closed = `http://localhost:${await freePort()}`;
      const changes = { BASE_URL: closed, OIDC_ISSUER: scripted.issuer };
      expect(await faultsOf(changes)).toEqual([]);
      expect(await notesOf(changes)).toContainEqual(expect.stringMatching(/^application: .+ECONNREFUSED/u));
    });

    it('a variable that nobody reads, and a secret that stands in', async () => {
      const changes = { OIDC_SINGING_ALGORITHMS: 'ES256', SESSION_SECRET: '' };
      expect(await faultsOf(changes, { asksApp: false })).toEqual([]);
      const notes = await notesOf(changes, { asksApp: false });
      expect(notes).toContainEqual(expect.stringMatching(/^OIDC_SINGING_ALGORITHMS: is set, and .+ does not read it/u));
      expect(notes).toContainEqual(expect.stringMatching(/^environment: SESSION_SECRET is not set/u));
    });

    it('a page in place of an answer, when it cannot tell what the page says', async () => {
      scripted.script.answer = ({ path }) => (path === '/authorize' ? { body: '<h1>Log in</h1>' } : undefined);
      const changes = { OIDC_ISSUER: scripted.issuer };
      expect(await faultsOf(changes, { asksApp: false })).toEqual([]);
      expect(await notesOf(changes, { asksApp: false })).toContainEqual(
        expect.stringMatching(/^redirect URI: cannot be told/u),
      );
    });

    it('a token endpoint that refuses the request in another way', async () => {
      scripted.script.tokenResponse = () => ({ error: 'invalid_request' });
      const changes = { OIDC_ISSUER: scripted.issuer };
      expect(await faultsOf(changes, { asksApp: false })).toEqual([]);
      expect(await notesOf(changes, { asksApp: false })).toContainEqual(
        expect.stringMatching(/^client: .+invalid_re/u),
      );
    });

    it('a redirect URI that is reached after a redirect of the provider’s own', async () => {
      scripted.script.answer = ({ path, params }) =>
        path === '/authorize' && !params.has('again')
          ? { status: 302, headers: { location: `/authorize?again=1&${params.toString()}` } }
          : undefined;
      expect(await faultsOf({ OIDC_ISSUER: scripted.issuer }, { asksApp: false })).toEqual([]);
      expect(lines).toContainEqual(expect.stringMatching(/^✓ redirect URI: /u));
    });

    it('an authorization endpoint that does not answer this machine, nor a provider that does not tell the time', async () => {
      scripted.script.answer = ({ path }) => {
        if (path === '/authorize') return 'drop';
        const keys = { keys: scripted.keys.map(({ jwk }) => jwk) };
        return path === '/jwks' ? { headers: { date: 'midnight' }, body: keys } : undefined;
      };
      const changes = { OIDC_ISSUER: scripted.issuer };
      expect(await faultsOf(changes, { asksApp: false })).toEqual([]);
      const notes = await notesOf(changes, { asksApp: false });
      expect(notes).toContainEqual(expect.stringMatching(/^redirect URI: the authorization_endpoint does not answer/u));
      expect(notes).toContainEqual(expect.stringMatching(/^clock: the provider does not say/u));
    });

    it('a callback that answers in another way than was asked for', async () => {
      proxy.meddling = { target: (target) => target.replace('?error=', '?code=x&code=y&error=') };
      expect(await faultsOf()).toEqual([]);
      expect(await notesOf()).toContainEqual('way back: the callback route answers duplicate_parameter');
    });

    it('a clock that is a little off, or not told, and scopes that are not listed', async () => {
      scripted.script.discovery = (document) => ({ ...document, scopes_supported: ['openid'] });
      scripted.script.answer = ({ path }) =>
        path === '/jwks'
          ? {
              headers: { date: new Date(Date.now() + 15_000).toUTCString() },
              body: { keys: scripted.keys.map(({ jwk }) => jwk) },
            }
          : undefined;
      const changes = { OIDC_ISSUER: scripted.issuer };
      expect(await faultsOf(changes, { asksApp: false })).toEqual([]);
      const notes = await notesOf(changes, { asksApp: false });
      expect(notes).toContainEqual(expect.stringMatching(/^clock: the provider is 1\d s ahead of/u));
      expect(notes).toContainEqual(expect.stringMatching(/^scope: .+ profile, email, offline_access/u));
    });
  });
});

describe('the doctor, at https', () => {
  let proxy: ReverseProxy;
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    const port = await freePort();
    proxy = await ReverseProxy.start(() => port, { tls: true });
    provider = await TestProvider.start({ redirectUris: [`${proxy.url}/auth/callback`] });
    app = await startApp({ port, issuer: provider.issuer, options: { baseUrl: proxy.url } });
  });
  afterEach(() => {
    delete globalAgent.options.ca;
    proxy.meddling = {};
  });
  afterAll(async () => {
    await Promise.all([app.close(), provider.stop()]);
    await proxy.stop();
  });

  const findingsOf = async (): Promise<Findings> => {
    const environment = {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
      BASE_URL: proxy.url,
      SESSION_SECRET: SECRET,
    };
    const findings = new Findings();
    await examine({ ...quiet, asksApp: true, environment }, findings);
    return findings;
  };

  it('sees __Host- cookies arrive', async () => {
    globalAgent.options.ca = CERTIFICATE;
    const { all, faults } = await findingsOf();
    expect(faults).toEqual([]);
    expect(all).toContainEqual(expect.objectContaining({ mark: 'ok', text: expect.stringContaining('__Host-') }));
  });

  it('finds a certificate that nobody vouches for', async () => {
    expect((await findingsOf()).faults).toEqual([
      expect.objectContaining({ subject: 'application', cure: expect.stringContaining('certificate') }),
    ]);
  });

  it('finds a proxy that takes Secure off the cookies', async () => {
    globalAgent.options.ca = CERTIFICATE;
    proxy.meddling = {
      response: ({ 'set-cookie': cookies = [], ...headers }) => ({
        ...headers,
        'set-cookie': cookies.map((cookie) => cookie.replace('; Secure', '')),
      }),
    };
    expect((await findingsOf()).faults).toEqual([
      expect.objectContaining({ subject: 'cookies', text: expect.stringContaining('no secure') }),
    ]);
  });

  it.each([
    ['a redirect to https', { status: 301, location: 'https://app.example.com/' }, []],
    ['a page', { status: 200, location: undefined }, ['plain http']],
    ['a redirect to more plain http', { status: 302, location: '/login' }, ['plain http']],
  ])('looks at what plain http answers: %s', async (_title, { status, location }, faults) => {
    const server = createServer((_request, response) =>
      response.writeHead(status, location === undefined ? {} : { location }).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const findings = new Findings();
    const { port } = server.address() as AddressInfo;
    const url = new URL('https://app.example.com');
    const checks = new AppChecks({} as ResolvedOptions, { login: url, redirectUri: url }, findings);
    await checks.checkPlainHttp(new URL(`http://localhost:${port}/`));
    expect(findings.faults.map(({ subject }) => subject)).toEqual(faults);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await checks.checkPlainHttp(new URL(`http://localhost:${port}/`));
    expect(findings.all.at(-1)).toMatchObject({ mark: 'ok', text: 'is not answered' });
  });
});

describe('the arguments of the doctor', () => {
  const file = jest.fn((_path: string) => 'OIDC_ISSUER=https://file.example\nOIDC_CLIENT_ID="of the file"\n');

  it('are an environment: flags before variables before the file', () => {
    const read = readArguments(
      ['doctor', '--env-file', '.env', '--base-url', 'https://flag.example', '--login-path', '/in', '--no-app'],
      { OIDC_ISSUER: 'https://variable.example', BASE_URL: 'https://variable.example', REDIS_URL: 'redis://r' },
      file,
    );
    expect(file).toHaveBeenCalledWith('.env');
    expect(read).toEqual({
      environment: {
        OIDC_ISSUER: 'https://variable.example',
        OIDC_CLIENT_ID: 'of the file',
        BASE_URL: 'https://flag.example',
        REDIS_URL: 'redis://r',
      },
      routes: { login: '/in', callback: undefined },
      redisUrl: 'redis://r',
      asksApp: false,
    });
  });

  it('ask for help, or for nothing', () => {
    expect(readArguments(['--help'], {}, file)).toBe('help');
    expect(readArguments([], {}, file)).toBe('help');
    expect(USAGE).toContain('nest-oidc doctor');
  });

  it.each([[['cure']], [['doctor', '--client-secret', 'x']], [['doctor', '--issuer']]])('are refused: %j', (args) => {
    expect(() => readArguments(args, {}, file)).toThrow(/no command|Unknown option|argument missing/u);
  });
});

describe('the command', () => {
  const run = async (...args: string[]) => {
    const said = { out: '', error: '' };
    const status = await runCommand({
      args,
      variables: { OIDC_ISSUER: 'https://login.example.com' },
      readFile: () => '',
      write: (text) => void (said.out += text),
      writeError: (text) => void (said.error += text),
    });
    return { status, ...said };
  };

  it('ends with 1 when there is something to mend, after a line for each', async () => {
    expect(await run('doctor')).toEqual({
      status: 1,
      out: expect.stringMatching(
        /^✗ OIDC_CLIENT_ID: is missing\n {2}→ Use .+\n✗ OIDC_CLIENT_SECRET: .+\n\nTo mend: 2\./su,
      ),
      error: '',
    });
  });

  it('ends with 2 when it does not understand, and says what it would', async () => {
    const { status, out, error } = await run('doctor', '--colour');
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(error).toMatch(/--colour.+Usage: nest-oidc doctor/su);
  });

  it('ends with 0 when it was asked for help', async () => {
    expect(await run('--help')).toEqual({ status: 0, out: USAGE, error: '' });
  });
});
