import { describe, expect, it } from '@jest/globals';
import { CrossOriginRequestError, StoreUnavailableError } from '../../lib/common/errors.js';
import type { OriginCheck } from '../../lib/http/origin-check.js';
import type { PlatformRequest } from '../../lib/http/platform.js';
import { RequestAuthenticator } from '../../lib/http/request-authenticator.js';
import type { SessionService } from '../../lib/session/session.service.js';
import type { LoadedSession } from '../../lib/session/session.js';
import type { TokenService } from '../../lib/token/token.service.js';
import { CLAIMS, given, tokenSet } from '../session/given.js';

const REQUEST = { method: 'GET', headers: {} } as PlatformRequest;

/** Where the session cannot be read, for this reason. */
function failing(reason: Error): RequestAuthenticator {
  const sessions = { load: () => Promise.reject(reason) } as unknown as SessionService;
  return new RequestAuthenticator(sessions, given().repository, {} as TokenService, {} as OriginCheck);
}

/** Where the session is at hand and its token is fresh. */
async function ready(isOurPage = true): Promise<{ authenticator: RequestAuthenticator; loaded: LoadedSession }> {
  const { repository, clock } = given();
  const loaded = await repository.create(CLAIMS, tokenSet(clock.now()));
  const sessions = { load: () => loaded } as unknown as SessionService;
  const tokens = { keepFresh: () => undefined } as unknown as TokenService;
  const require = (): void => {
    if (!isOurPage) throw new CrossOriginRequestError('foreign');
  };
  const origins = { require, requireHeader: () => undefined } as unknown as OriginCheck;
  return { authenticator: new RequestAuthenticator(sessions, repository, tokens, origins), loaded };
}

describe('RequestAuthenticator', () => {
  it('answers at once when nothing has to be waited for', async () => {
    const { authenticator, loaded } = await ready();
    expect(authenticator.require(REQUEST)).toBe(loaded.session);
  });

  it('throws at once what another site’s page sends to change something', async () => {
    const { authenticator } = await ready(false);
    expect(() => authenticator.require({ ...REQUEST, method: 'POST' })).toThrow(CrossOriginRequestError);
  });

  it('takes a visitor of an open route for unknown while the store is away', async () => {
    expect(await failing(new StoreUnavailableError(new Error('ECONNRESET'))).find(REQUEST)).toBeUndefined();
  });

  it('hides no defect on an open route', async () => {
    await expect(failing(new TypeError('a defect')).find(REQUEST)).rejects.toThrow('a defect');
  });
});
