import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { OidcConfigurationError } from '../../lib/common/errors.js';
import {
  oidcOptionsFromEnv,
  readEnvironmentOptions,
  type OidcEnvOverrides,
} from '../../lib/options/environment-options.js';
import { ENVIRONMENT_VARIABLES } from '../../lib/options/environment-variables.js';
import type { Environment } from '../../lib/options/environment.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/routes.js';
import { OLDER_SECRET, SECRET } from './valid-options.js';

const THREE: Environment = {
  OIDC_ISSUER: 'http://localhost:4000',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'client-secret',
};

const PRODUCTION: Environment = {
  NODE_ENV: 'production',
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'client-secret',
  BASE_URL: 'https://app.example.com',
  SESSION_SECRET: SECRET,
};

function problemsOf(environment: Environment, overrides: OidcEnvOverrides = {}): readonly string[] {
  try {
    readEnvironmentOptions(environment, overrides);
    return [];
  } catch (error) {
    if (error instanceof OidcConfigurationError) return error.problems;
    throw error;
  }
}

describe('the options of an environment', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('need three variables outside production', () => {
    const { options } = readEnvironmentOptions(THREE);
    expect(options).toEqual({
      issuer: 'http://localhost:4000',
      clientId: 'app',
      clientSecret: 'client-secret',
      baseUrl: 'http://localhost:3000',
      secret: expect.stringMatching(/^[\w-]{43}$/u),
      allowInsecure: true,
    });
    expect(readEnvironmentOptions(THREE).options.secret).not.toBe(options.secret);
  });

  it('warn that sessions end with the process while SESSION_SECRET is not set', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    oidcOptionsFromEnv(THREE);
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^SESSION_SECRET is not set: .+ ends with this process/u)],
    ]);
    oidcOptionsFromEnv({ ...THREE, SESSION_SECRET: SECRET });
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('are those of the process unless others are given', () => {
    jest.replaceProperty(process, 'env', { ...PRODUCTION });
    expect(oidcOptionsFromEnv()).toEqual(readEnvironmentOptions(PRODUCTION).options);
  });

  it('have the port of PORT in the base URL that stands in', () => {
    expect(readEnvironmentOptions({ ...THREE, PORT: '8080' }).options.baseUrl).toBe('http://localhost:8080');
  });

  it('take an empty variable for one that is not set', () => {
    const { options } = readEnvironmentOptions({ ...THREE, BASE_URL: '', OIDC_SCOPE: ' ' });
    expect(options.baseUrl).toBe('http://localhost:3000');
    expect(options.login).toBeUndefined();
  });

  it('take the BASE_URL that Vitest puts into every environment for one that is not set', () => {
    const vitest = { ...THREE, VITEST: 'true', BASE_URL: '/' };
    expect(readEnvironmentOptions(vitest).options.baseUrl).toBe('http://localhost:3000');
    const own = { ...vitest, BASE_URL: 'http://localhost:8080' };
    expect(readEnvironmentOptions(own).options.baseUrl).toBe('http://localhost:8080');
  });

  it('are what each variable says', () => {
    const { options } = readEnvironmentOptions({
      ...PRODUCTION,
      SESSION_SECRET: `${SECRET}, ${OLDER_SECRET}`,
      OIDC_CLIENT_AUTHENTICATION: 'client_secret_post',
      OIDC_SCOPE: 'openid email',
      OIDC_AUDIENCE: 'https://api.example.com',
      OIDC_MAX_AGE: '0',
      OIDC_SIGNING_ALGORITHMS: 'ES256, RS256',
      OIDC_TRUSTED_AUDIENCES: 'project',
      OIDC_CLOCK_TOLERANCE: '5',
      OIDC_ALLOWED_ORIGINS: 'https://admin.example.com',
      OIDC_SESSION_IDLE_TIMEOUT: '3600',
      OIDC_SESSION_ABSOLUTE_LIFETIME: '7200',
      OIDC_REFRESH_LEEWAY: '60',
      OIDC_PROVIDER_TIMEOUT: '5',
    });
    expect(options).toEqual({
      issuer: 'https://login.example.com',
      clientId: 'app',
      clientSecret: 'client-secret',
      clientAuthentication: 'client_secret_post',
      baseUrl: 'https://app.example.com',
      secret: [SECRET, OLDER_SECRET],
      allowInsecure: false,
      allowedOrigins: ['https://admin.example.com'],
      login: {
        scope: 'openid email',
        authorizationParams: { audience: 'https://api.example.com' },
        maxAge: 0,
      },
      idToken: { signingAlgorithms: ['ES256', 'RS256'], trustedAudiences: ['project'], clockTolerance: 5 },
      session: { idleTimeout: 3600, absoluteLifetime: 7200 },
      refresh: { leeway: 60 },
      provider: { timeout: 5 },
    });
  });

  it('have a private key in PEM whose line breaks are written as \\n, or as a JWK', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { OIDC_CLIENT_SECRET: _, ...withoutSecret } = PRODUCTION;
    const withKey = (text: string): unknown =>
      readEnvironmentOptions({
        ...withoutSecret,
        OIDC_CLIENT_PRIVATE_KEY: text,
        OIDC_CLIENT_PRIVATE_KEY_ID: 'key-1',
        OIDC_CLIENT_PRIVATE_KEY_ALGORITHM: 'ES256',
      }).options.clientPrivateKey;
    expect(withKey(pem.trim().replaceAll('\n', '\\n'))).toEqual({
      key: pem.trim(),
      keyId: 'key-1',
      algorithm: 'ES256',
    });
    const jwk = privateKey.export({ format: 'jwk' });
    expect(withKey(JSON.stringify(jwk))).toEqual({ key: jwk, keyId: 'key-1', algorithm: 'ES256' });
  });

  it('count after what the code says, option by option', () => {
    const { options, warnings } = readEnvironmentOptions(
      { ...THREE, OIDC_SCOPE: 'openid email', OIDC_MAX_AGE: '60', OIDC_REFRESH_LEEWAY: '60', OIDC_AUDIENCE: 'api' },
      {
        baseUrl: 'http://localhost:9999',
        secret: SECRET,
        clientId: undefined,
        login: { maxAge: 5, authorizationParams: { prompt: 'consent' } },
        session: { maxPerUser: 3 },
        global: false,
      },
    );
    expect(options).toMatchObject({
      clientId: 'app',
      baseUrl: 'http://localhost:9999',
      secret: SECRET,
      login: { scope: 'openid email', maxAge: 5, authorizationParams: { audience: 'api', prompt: 'consent' } },
      session: { maxPerUser: 3 },
      refresh: { leeway: 60 },
    });
    expect(options).not.toHaveProperty('global');
    expect(warnings).toEqual([]);
  });

  it('have no part of a private key that the code gives as a whole', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const { OIDC_CLIENT_SECRET: _, ...withoutSecret } = PRODUCTION;
    const { options } = readEnvironmentOptions(
      { ...withoutSecret, OIDC_CLIENT_PRIVATE_KEY_ID: 'of-another-key' },
      { clientPrivateKey: { key } },
    );
    expect(options.clientPrivateKey).toEqual({ key });
  });

  it('need no variable for what the code says', () => {
    const overrides = { issuer: 'https://login.example.com', clientId: 'app', clientSecret: 'client-secret' };
    expect(readEnvironmentOptions({}, overrides).options).toMatchObject(overrides);
  });
});

describe('an environment is refused', () => {
  it('with every problem in one error, in the names of the variables', () => {
    const problems = problemsOf({
      OIDC_ISSUER: 'login.example.com',
      OIDC_CLIENT_SECRET: 'client-secret',
      SESSION_SECRET: `${SECRET}, short`,
      OIDC_SCOPE: 'email',
      OIDC_CLOCK_TOLERANCE: '1e2',
      OIDC_REFRESH_LEEWAY: '7200',
      OIDC_SIGNING_ALGORITHMS: 'HS256',
      PORT: 'http',
    });
    expect(problems.map((problem) => problem.split(':', 1)[0]).sort()).toEqual([
      'OIDC_CLIENT_ID',
      'OIDC_CLOCK_TOLERANCE',
      'OIDC_ISSUER',
      'OIDC_REFRESH_LEEWAY',
      'OIDC_SCOPE',
      'OIDC_SIGNING_ALGORITHMS',
      'PORT',
      'SESSION_SECRET (secret 2 of the list)',
    ]);
  });

  it('with the cure in the names of the variables', () => {
    expect(problemsOf({ ...PRODUCTION, OIDC_CLIENT_SECRET: '' })).toEqual([
      'OIDC_CLIENT_SECRET: is missing; client_secret_basic needs it ' +
        '(or set OIDC_CLIENT_AUTHENTICATION to private_key_jwt or none)',
    ]);
    expect(
      problemsOf({ ...PRODUCTION, OIDC_SESSION_IDLE_TIMEOUT: '60', OIDC_SESSION_ABSOLUTE_LIFETIME: '30' }),
    ).toEqual(['OIDC_SESSION_IDLE_TIMEOUT: must not be longer than OIDC_SESSION_ABSOLUTE_LIFETIME']);
  });

  it.each(['1e2', '0x10', '-1', '5.5', '5 s', '٣'])('when a number is %s', (text) => {
    expect(problemsOf({ ...PRODUCTION, OIDC_REFRESH_LEEWAY: text })).toEqual([
      'OIDC_REFRESH_LEEWAY: must be a whole number of seconds, in digits only',
    ]);
  });

  it.each(['http', '0', '65536'])('when PORT is %s, unless BASE_URL is set', (port) => {
    expect(problemsOf({ ...THREE, PORT: port })).toEqual([expect.stringMatching(/^PORT: must be a whole number/u)]);
    expect(problemsOf({ ...THREE, PORT: port, BASE_URL: 'http://localhost:3000' })).toEqual([]);
  });

  it('in production without an address, a secret, or https', () => {
    const { BASE_URL: _url, SESSION_SECRET: _secret, ...rest } = PRODUCTION;
    expect(problemsOf({ ...rest, OIDC_ISSUER: 'http://localhost:4000' })).toEqual([
      'BASE_URL: is missing; use the address of this application as browsers see it, e.g. https://app.example.com',
      'OIDC_ISSUER: must be https:; for development on a loopback address set NODE_ENV=development',
      'SESSION_SECRET: is missing; use 32 random characters or more, e.g. of `openssl rand -base64 48`',
    ]);
  });

  it('when BASE_URL is a path, also the one of Vitest elsewhere', () => {
    const refused = [expect.stringMatching(/^BASE_URL: must be an absolute URL/u)];
    expect(problemsOf({ ...THREE, BASE_URL: '/' })).toEqual(refused);
    expect(problemsOf({ ...THREE, VITEST: 'true', BASE_URL: '/app' })).toEqual(refused);
  });

  it('in production without an address, under Vitest as well', () => {
    expect(problemsOf({ ...PRODUCTION, VITEST: 'true', BASE_URL: '/' })).toEqual([
      expect.stringMatching(/^BASE_URL: is missing/u),
    ]);
  });

  it('with plain http to another machine, production or not', () => {
    expect(problemsOf({ ...THREE, OIDC_ISSUER: 'http://login.example.com' })).toEqual([
      'OIDC_ISSUER: must be https: unless it is a loopback address',
    ]);
  });

  it('when a private key cannot be read, without repeating it', () => {
    const { OIDC_CLIENT_SECRET: _, ...rest } = PRODUCTION;
    const [problem, ...others] = problemsOf({
      ...rest,
      OIDC_CLIENT_AUTHENTICATION: 'private_key_jwt',
      OIDC_CLIENT_PRIVATE_KEY: '{"kty":"EC","d":"a-private-number"',
    });
    expect(problem).toMatch(/^OIDC_CLIENT_PRIVATE_KEY: must be a private key/u);
    expect(problem).not.toContain('a-private-number');
    expect(others).toEqual([]);
  });

  it('beside what is wrong with the code, which keeps the name of the option', () => {
    expect(problemsOf({ ...PRODUCTION, OIDC_CLIENT_ID: '' }, { login: { maxAge: -1 } })).toEqual([
      expect.stringMatching(/^OIDC_CLIENT_ID: is missing/u),
      expect.stringMatching(/^login\.maxAge: /u),
    ]);
  });

  it('in the name of the variable, whatever the code says of its neighbours', () => {
    expect(problemsOf({ ...PRODUCTION, OIDC_SCOPE: 'email' }, { login: { maxAge: 60 } })).toEqual([
      'OIDC_SCOPE: must contain openid',
    ]);
  });

  it('beside an option that nobody knows, which is said as it is', () => {
    const overrides = { 'x-option': 1 } as OidcEnvOverrides;
    expect(problemsOf({ ...PRODUCTION, OIDC_CLIENT_ID: '' }, overrides)).toEqual([
      expect.stringMatching(/^OIDC_CLIENT_ID: is missing/u),
      expect.stringMatching(/^x-option: is not an option/u),
    ]);
  });

  it('beside a group of options that the code gives as something else', () => {
    const overrides = { login: 'openid' } as unknown as OidcEnvOverrides;
    expect(problemsOf({ ...PRODUCTION, OIDC_CLIENT_ID: '' }, overrides)).toEqual([
      expect.stringMatching(/^OIDC_CLIENT_ID: is missing/u),
      'login: must be an object',
    ]);
  });

  it('but not for what reading the code’s options throws: that is passed on', () => {
    const failure = new RangeError('of the application');
    const login = Object.defineProperty({}, 'userinfo', {
      enumerable: true,
      get: () => {
        throw failure;
      },
    });
    expect(() => readEnvironmentOptions(PRODUCTION, { login })).toThrow(failure);
  });

  it('but not for what is wrong with the code alone: the module says that', () => {
    const overrides = { login: { maxAge: -1 } };
    const { options } = readEnvironmentOptions(PRODUCTION, overrides);
    expect(() => resolveOptions(options, resolveRoutes())).toThrow(/login\.maxAge: /u);
  });
});

it('documents every variable', () => {
  const page = readFileSync(new URL('../../docs/recipes/configuration.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` /gmu)].map(([, name]) => name);
  expect(documented.sort()).toEqual([...Object.keys(ENVIRONMENT_VARIABLES), 'NODE_ENV', 'PORT'].sort());
});
