import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import {
  CrossOriginRequestError,
  LoginRequiredError,
  NavigationRequiredError,
  OidcConfigurationError,
  OidcError,
  StoreUnavailableError,
  UnsupportedContextError,
} from '../../lib/common/errors.js';
import { IdTokenInvalidError, ProviderUnreachableError } from '../../lib/provider/provider-errors.js';
import { RefreshUnavailableError } from '../../lib/token/token-errors.js';

describe('the cause of an OidcError [LOG-02]', () => {
  // Libraries below put the token response into theirs.
  const cause = Object.assign(new Error('response'), { body: { access_token: 'secret-token' } });
  const errors = [
    new StoreUnavailableError(cause),
    new LoginRequiredError('Nobody is logged in.', { cause }),
    new ProviderUnreachableError('timeout', { cause }),
    new IdTokenInvalidError('signature', cause),
  ];

  it.each(errors)('is there for whoever asks for it: $name', (error) => {
    expect(error.cause).toBe(cause);
  });

  it.each(errors)('is not enumerable: $name', (error) => {
    expect(Object.keys(error)).not.toContain('cause');
    expect({ ...error }).not.toHaveProperty('cause');
  });

  it.each(errors)('does not show in JSON: $name', (error) => {
    expect(JSON.stringify(error)).not.toContain('secret-token');
  });

  it.each(errors)('does not show its fields in util.inspect: $name', (error) => {
    expect(inspect(error)).not.toContain('secret-token');
    expect(inspect(error, { depth: 10 })).not.toContain('secret-token');
  });

  it('does not exist when there was none', () => {
    expect('cause' in new LoginRequiredError('Nobody is logged in.')).toBe(false);
  });
});

describe('an OidcError', () => {
  it.each([
    [new OidcConfigurationError(['issuer: is missing']), 'config_invalid', 500],
    [new LoginRequiredError('x'), 'login_required', 401],
    [new CrossOriginRequestError('x'), 'csrf_rejected', 403],
    [new StoreUnavailableError(undefined), 'store_unavailable', 503],
    [new NavigationRequiredError(), 'navigation_required', 400],
    [new UnsupportedContextError('rpc'), 'context_unsupported', 403],
    [new RefreshUnavailableError('refresh_transient', 'timeout', 1), 'refresh_transient', 503],
  ] as const)('has a stable code, an HTTP status and its class’ name: %s', (error, code, statusCode) => {
    expect(error).toBeInstanceOf(OidcError);
    expect(error).toMatchObject({ code, statusCode, name: error.constructor.name });
  });

  it('says how many seconds to wait, rounded up, at least one', () => {
    expect(new RefreshUnavailableError('refresh_transient', 'x', 0).retryAfter).toBe(1);
    expect(new RefreshUnavailableError('refresh_transient', 'x', 1001).retryAfter).toBe(2);
    expect(new StoreUnavailableError(undefined).retryAfter).toBe(1);
  });

  it('names what exactly failed, and when to try again', () => {
    const error = new LoginRequiredError('x', { detail: 'access_token_expired', retryAfter: 7 });
    expect(error).toMatchObject({ detail: 'access_token_expired', retryAfter: 7 });
  });

  it('shows its code, detail and stack in util.inspect', () => {
    const shown = inspect(new IdTokenInvalidError('nonce'));
    expect(shown).toContain('The ID token is not valid (nonce).');
    expect(shown).toContain("code: 'id_token_invalid'");
    expect(shown).toContain('errors.test.ts');
  });

  it('shows its message where an application has taken the stack away', () => {
    const error = new LoginRequiredError('Nobody is logged in.');
    delete error.stack;
    expect(inspect(error)).toMatch(/^Nobody is logged in\. /u);
  });

  it.each([
    ['graphql', '; hand the request on in the context: '],
    ['ws', '; use the OidcIoAdapter of nest-oidc/socket.io '],
    ['rpc', '; mark it @Public() '],
  ])('about a handler of type %s that cannot be protected says what to do', (type, cure) => {
    expect(new UnsupportedContextError(type).message).toContain(`a handler of type ${type}${cure}`);
  });
});

describe('OidcConfigurationError', () => {
  it('names every problem, one per line', () => {
    const error = new OidcConfigurationError(['issuer: is missing', 'secret: is missing']);
    expect(error.message).toBe(
      'The options of OidcModule cannot be used:\n  - issuer: is missing\n  - secret: is missing',
    );
    expect(error.problems).toEqual(['issuer: is missing', 'secret: is missing']);
  });
});
