import { describe, expect, it } from '@jest/globals';
import type { ArgumentsHost } from '@nestjs/common';
import { LoginRequiredError } from '../../lib/common/errors.js';
import type { Cookies } from '../../lib/http/cookies.js';
import { OidcExceptionFilter } from '../../lib/http/oidc-exception.filter.js';
import type { Platform } from '../../lib/http/platform.js';
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
  it.each(['rpc', 'ws', 'graphql'])(
    'hands the error back where the transport is %s, and answers nothing [NST-02]',
    (type) => {
      const { options, events, listened } = given();
      const filter = new OidcExceptionFilter(
        options,
        untouchable<PublicUrls>(),
        untouchable<Platform>(),
        untouchable<Cookies>(),
        untouchable<Responder>(),
        events,
      );
      const error = new LoginRequiredError('Nobody is logged in.');
      expect(filter.catch(error, { getType: () => type } as unknown as ArgumentsHost)).toBe(error);
      expect(listened).toEqual([]);
    },
  );
});
