import { describe, expect, it } from '@jest/globals';
import type { ArgumentsHost } from '@nestjs/common';
import { firstValueFrom, type Observable } from 'rxjs';
import {
  CrossOriginRequestError,
  LoginRequiredError,
  StoreUnavailableError,
  UnsupportedContextError,
  type OidcError,
} from '../../lib/common/errors.js';
import type { OidcEvent } from '../../lib/common/events.js';
import type { Cookies } from '../../lib/http/cookies.js';
import { OidcExceptionFilter } from '../../lib/http/oidc-exception.filter.js';
import type { Platform } from '../../lib/http/platform.js';
import type { TokenService } from '../../lib/token/token.service.js';
import type { Responder } from '../../lib/http/responder.js';
import type { PublicUrls } from '../../lib/options/public-urls.js';
import { given } from '../session/given.js';

/** Fails a test that gets to it. */
function untouchable<T extends object>(): T {
  const handler: ProxyHandler<T> = {
    get: (_target, name) => {
      throw new Error(`${String(name)} was touched`);
    },
  };
  return new Proxy<T>({} as T, handler);
}

describe('OidcExceptionFilter', () => {
  function filtered(
    thrown: OidcError,
    type: string,
  ): { readonly answer: unknown; readonly events: readonly OidcEvent[] } {
    const { options, events, listened } = given();
    const filter = new OidcExceptionFilter(
      options,
      untouchable<PublicUrls>(),
      untouchable<Platform>(),
      untouchable<Cookies>(),
      untouchable<Responder>(),
      events,
      untouchable<TokenService>(),
    );
    const host = { getType: () => type, getArgs: () => [] } as unknown as ArgumentsHost;
    return { answer: filter.catch(thrown, host), events: listened };
  }

  it.each(['ws', 'unheard-of'])(
    'hands the error back where the transport is %s, and answers nothing [NST-02]',
    (type) => {
      const error = new LoginRequiredError('Nobody is logged in.');
      expect(filtered(error, type)).toEqual({ answer: error, events: [] });
    },
  );

  it.each<[OidcError, string]>([
    [new LoginRequiredError('Nobody is logged in.'), 'UNAUTHENTICATED'],
    [new CrossOriginRequestError('It comes from elsewhere.'), 'FORBIDDEN'],
    [new StoreUnavailableError(new Error('ECONNREFUSED')), 'store_unavailable'],
  ])('answers a resolver’s %s with the code %s, and no more than that [NST-02]', (error, code) => {
    const answer = filtered(error, 'graphql').answer as Error;
    expect(answer).toBeInstanceOf(Error);
    expect(answer.message).toBe(error.code);
    expect({ ...answer }).toEqual({
      statusCode: error.statusCode,
      extensions: {
        code,
        error: error.code,
        correlationId: expect.any(String) as unknown,
        http: { status: error.statusCode },
      },
    });
  });

  it('answers a message of a microservice with an error, not with a result [NST-02]', async () => {
    const { answer, events } = filtered(new UnsupportedContextError('rpc'), 'rpc');
    const failure: unknown = await firstValueFrom(answer as Observable<never>).catch((error: unknown) => error);
    expect(failure).toEqual({
      status: 'error',
      message: 'context_unsupported',
      correlationId: expect.any(String) as unknown,
    });
    const { correlationId } = failure as { readonly correlationId: string };
    expect(events).toEqual([
      { name: 'request.failed', code: 'context_unsupported', reason: 'context_unsupported', correlationId },
    ]);
  });
});
