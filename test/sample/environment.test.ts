import { describe, expect, it } from '@jest/globals';
import { EnvironmentError, readEnvironment } from '../../sample-app/environment.js';
import { SAMPLE_SECRET, type Variables } from '../support/sample.js';

const client = { OIDC_ISSUER: 'https://login.example.com', OIDC_CLIENT_ID: 'app', OIDC_CLIENT_SECRET: 'secret' };
const production = { NODE_ENV: 'production', BASE_URL: 'https://app.example.com', ...client };

describe('bad configuration', () => {
  const cases: readonly (readonly [string, string, Variables])[] = [
    ['a port that is no number', 'PORT', { PORT: 'http' }],
    ['a port out of range', 'PORT', { PORT: '70000' }],
    ['a negative port', 'PORT', { PORT: '-1' }],
    ['a base URL that is none', 'BASE_URL', { BASE_URL: 'app.example.com' }],
    ['a base URL with a trailing slash', 'BASE_URL', { BASE_URL: 'https://app.example.com/' }],
    ['a base URL with a path', 'BASE_URL', { BASE_URL: 'https://app.example.com/app' }],
    ['a plain-http base URL', 'BASE_URL', { BASE_URL: 'http://app.example.com' }],
    ['a malformed issuer', 'OIDC_ISSUER', { ...client, OIDC_ISSUER: 'login.example.com' }],
    ['an issuer of another scheme', 'OIDC_ISSUER', { ...client, OIDC_ISSUER: 'ftp://login.example.com' }],
    ['a plain-http issuer', 'OIDC_ISSUER', { ...client, OIDC_ISSUER: 'http://login.example.com' }],
    [
      'an issuer that is only named like a loopback address',
      'OIDC_ISSUER',
      { ...client, OIDC_ISSUER: 'http://127.example.com' },
    ],
    ['an issuer without a client', 'OIDC_CLIENT_ID', { OIDC_ISSUER: client.OIDC_ISSUER, OIDC_CLIENT_SECRET: 'secret' }],
    [
      'an issuer without a client secret',
      'OIDC_CLIENT_SECRET',
      { OIDC_ISSUER: client.OIDC_ISSUER, OIDC_CLIENT_ID: 'app' },
    ],
    ['a client without an issuer', 'OIDC_CLIENT_ID', { OIDC_CLIENT_ID: 'app', OIDC_CLIENT_SECRET: 'secret' }],
    ['a scope without openid', 'OIDC_SCOPE', { OIDC_SCOPE: 'profile email' }],
    ['a short secret', 'SESSION_SECRET', { SESSION_SECRET: 'short-and-sweet' }],
    ['a short secret in a list', 'SESSION_SECRET', { SESSION_SECRET: `${SAMPLE_SECRET},short-and-sweet` }],
    ['a list of secrets with a comma too many', 'SESSION_SECRET', { SESSION_SECRET: `${SAMPLE_SECRET},` }],
    ['a Redis URL of another scheme', 'REDIS_URL', { REDIS_URL: 'http://localhost:6379' }],
    ['a Redis URL without a host', 'REDIS_URL', { REDIS_URL: 'redis://' }],
    ['a Redis URL whose database is no number', 'REDIS_URL', { REDIS_URL: 'redis://localhost/sessions' }],
    ['a Redis URL with a password that is not encoded', 'REDIS_URL', { REDIS_URL: 'redis://u:p%zz@localhost' }],
    ['a leeway that is no number', 'REFRESH_LEEWAY', { REFRESH_LEEWAY: 'soon' }],
    ['a leeway with a unit', 'REFRESH_LEEWAY', { REFRESH_LEEWAY: '60s' }],
    ['a negative leeway', 'REFRESH_LEEWAY', { REFRESH_LEEWAY: '-1' }],
    ['an idle timeout of nothing', 'SESSION_IDLE_TIMEOUT', { SESSION_IDLE_TIMEOUT: '0' }],
    ['a malformed resource URL', 'RESOURCE_URL', { RESOURCE_URL: '/orders' }],
    ['a proxy setting that is neither 0 nor 1', 'TRUST_PROXY', { TRUST_PROXY: 'true' }],
    ['a demonstration without processes', 'DEMO_PROCESSES', { DEMO_PROCESSES: '0' }],
    ['tokens that are born expired', 'DEMO_TOKEN_LIFETIME', { DEMO_TOKEN_LIFETIME: '1' }],
    ['a provider that never answers', 'DEMO_PROVIDER_DELAY', { DEMO_PROVIDER_DELAY: '60000' }],
    ['no provider in production', 'OIDC_ISSUER', { NODE_ENV: 'production', BASE_URL: 'https://app.example.com' }],
    ['no base URL in production', 'BASE_URL', { NODE_ENV: 'production', ...client }],
    ['a loopback issuer in production', 'OIDC_ISSUER', { ...production, OIDC_ISSUER: 'http://localhost:4000' }],
  ];

  it.each(cases)('is refused: %s, in the name of %s', (_title, name, variables) => {
    const error = refusal(variables);
    expect(error.message).toMatch(new RegExp(`^${name} |; ${name} `, 'u'));
    expect(error.message).not.toContain('\n');
    // The value of a bad secret is still a secret.
    expect(error.message).not.toContain('short-and-sweet');
    expect(error.message).not.toContain(SAMPLE_SECRET);
  });

  it('is refused for everything that is wrong at once', () => {
    const { message } = refusal({ SESSION_SECRET: 'short', TRUST_PROXY: 'yes', REFRESH_LEEWAY: 'x' });
    for (const name of ['SESSION_SECRET', 'TRUST_PROXY', 'REFRESH_LEEWAY']) expect(message).toContain(name);
  });
});

function refusal(variables: Variables): EnvironmentError {
  try {
    readEnvironment(variables);
  } catch (error) {
    if (error instanceof EnvironmentError) return error;
    throw error;
  }
  throw new Error('The variables were accepted.');
}

describe('good configuration', () => {
  it('may be none at all', () => {
    const environment = readEnvironment({});
    expect(environment).toMatchObject({
      port: 3000,
      baseUrl: 'http://localhost:3000',
      client: undefined,
      scope: undefined,
      secretIsTemporary: true,
      redisUrl: undefined,
      refreshLeeway: undefined,
      sessionIdleTimeout: undefined,
      resourceUrl: undefined,
      trustProxy: false,
      demo: { processes: 3, tokenLifetime: 60, providerDelayMs: 150 },
    });
    expect(environment.secrets).toEqual([expect.stringMatching(/^[\w-]{43}$/u)]);
    expect(readEnvironment({}).secrets).not.toEqual(environment.secrets);
  });

  it('says everything', () => {
    const issuer = 'https://login.example.com/tenant/';
    const variables = {
      ...production,
      OIDC_ISSUER: issuer,
      PORT: '8080',
      OIDC_SCOPE: 'openid email',
      SESSION_SECRET: `new-${SAMPLE_SECRET}, ${SAMPLE_SECRET}`,
      REDIS_URL: 'rediss://redis.example.com:6380/1',
      REFRESH_LEEWAY: '0',
      SESSION_IDLE_TIMEOUT: '900',
      RESOURCE_URL: 'http://orders.internal:8080/orders?all=1',
      TRUST_PROXY: '1',
      DEMO_PROCESSES: '5',
      DEMO_TOKEN_LIFETIME: '20',
      DEMO_PROVIDER_DELAY: '0',
    };
    expect(readEnvironment(variables)).toEqual({
      port: 8080,
      baseUrl: 'https://app.example.com',
      // Character by character: issuers are compared as they are written.
      client: { issuer, clientId: 'app', clientSecret: 'secret' },
      scope: 'openid email',
      secrets: [`new-${SAMPLE_SECRET}`, SAMPLE_SECRET],
      secretIsTemporary: false,
      redisUrl: variables.REDIS_URL,
      refreshLeeway: 0,
      sessionIdleTimeout: 900,
      resourceUrl: variables.RESOURCE_URL,
      trustProxy: true,
      demo: { processes: 5, tokenLifetime: 20, providerDelayMs: 0 },
    });
  });

  it.each(['http://localhost:4000', 'http://127.0.0.1:4000', 'http://[::1]:4000', 'http://idp.localhost:4000'])(
    'may name a provider on this machine: %s',
    (issuer) => {
      expect(readEnvironment({ ...client, OIDC_ISSUER: issuer }).client?.issuer).toBe(issuer);
    },
  );

  it('takes an empty variable for one that is not set', () => {
    expect(readEnvironment({ PORT: '', OIDC_ISSUER: '', SESSION_SECRET: ' ' })).toMatchObject({
      port: 3000,
      client: undefined,
    });
  });
});
