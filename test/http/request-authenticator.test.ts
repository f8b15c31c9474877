import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../lib/common/errors.js';
import type { OriginCheck } from '../../lib/http/origin-check.js';
import type { PlatformRequest } from '../../lib/http/platform.js';
import { RequestAuthenticator } from '../../lib/http/request-authenticator.js';
import type { SessionService } from '../../lib/session/session.service.js';
import type { TokenService } from '../../lib/token/token.service.js';
import { given } from '../session/given.js';

const REQUEST = { method: 'GET', headers: {} } as PlatformRequest;

/** Where the session cannot be read, for this reason. */
function failing(reason: Error): RequestAuthenticator {
  const sessions = { load: () => Promise.reject(reason) } as unknown as SessionService;
  return new RequestAuthenticator(sessions, given().repository, {} as TokenService, {} as OriginCheck);
}

describe('RequestAuthenticator', () => {
  it('takes a visitor of an open route for unknown while the store is away', async () => {
    expect(await failing(new StoreUnavailableError(new Error('ECONNRESET'))).find(REQUEST)).toBeUndefined();
  });

  it('hides no defect on an open route', async () => {
    await expect(failing(new TypeError('a defect')).find(REQUEST)).rejects.toThrow('a defect');
  });
});
