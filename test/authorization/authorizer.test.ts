import { describe, expect, it } from '@jest/globals';
import { AccessDeniedError } from '../../lib/authorization/access-denied-error.js';
import { Authorizer } from '../../lib/authorization/authorizer.js';
import type { Requirement } from '../../lib/authorization/requirements.js';
import type { Session } from '../../lib/session/session.js';
import { resolve } from '../options/valid-options.js';
import { given, tokenSet, CLAIMS } from '../session/given.js';

const authorizer = new Authorizer(resolve());

async function sessionWith(scope: string | undefined): Promise<Session> {
  const { repository, clock } = given();
  return (await repository.create(CLAIMS, tokenSet(clock.now(), { scope }))).session;
}

const requires = (...scopes: readonly string[]): readonly Requirement[] => [{ kind: 'scopes', scopes }];

describe('a required scope', () => {
  it('is refused to a session whose provider did not say what it granted', async () => {
    const session = await sessionWith(undefined);
    expect(() => authorizer.require(session, requires('openid'))).toThrow(AccessDeniedError);
  });

  it('is met by a whole word of what was granted, and by no part of one', async () => {
    const session = await sessionWith('openid orders:read');
    expect(() => authorizer.require(session, requires('openid', 'orders:read'))).not.toThrow();
    expect(() => authorizer.require(session, requires('orders'))).toThrow(AccessDeniedError);
  });
});
