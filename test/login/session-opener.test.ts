import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../lib/common/errors.js';
import { SubjectChangedError } from '../../lib/login/login-errors.js';
import { SessionOpener } from '../../lib/login/session-opener.js';
import type { ProviderService } from '../../lib/provider/provider.service.js';
import { Revocations } from '../../lib/provider/revocations.js';
import { LogoutNotes } from '../../lib/session/logout-notes.js';
import { SessionDirectory } from '../../lib/session/session-directory.js';
import { OLDER_SECRET } from '../options/valid-options.js';
import { CLAIMS, given, tokenSet, type Given } from '../session/given.js';

/** A browser with a session of alice, RT-1, and who opens the next one, in the same process or in another. */
async function browsing(another: (first: Given) => Given = (first) => first) {
  const first = given();
  const previous = await first.repository.create(CLAIMS, tokenSet(first.clock.now()));
  const world = another(first);
  const { options, repository, clock, events } = world;
  const revoked: string[] = [];
  const provider = { revoke: async (token: string) => revoked.push(token) > 0 } as unknown as ProviderService;
  const revocations = new Revocations(provider, events);
  const directory = new SessionDirectory(options, repository);
  const notes = new LogoutNotes(options, repository, clock);
  const opener = new SessionOpener(options, repository, directory, notes, revocations);
  const loginOf = (sub: string) => ({
    tokens: tokenSet(clock.now(), { refreshToken: 'RT-2' }),
    claims: { ...CLAIMS, sub },
  });
  return { ...world, first, previous, opener, revocations, revoked, loginOf };
}

const withAnotherSecret = ({ clock, store }: Given): Given => given({ secret: OLDER_SECRET }, clock, store.inner);

describe('SessionOpener', () => {
  it('lets a login that nobody saw renew the session of the same user', async () => {
    const { opener, previous, loginOf, repository } = await browsing();
    await opener.requireSameUser(previous.token, loginOf('alice'));
    expect(await repository.load(previous.token)).toBeDefined();
  });

  it('ends the session where a login that nobody saw is of another user', async () => {
    const { opener, previous, loginOf, repository, revocations, revoked } = await browsing();
    await expect(opener.requireSameUser(previous.token, loginOf('bob'))).rejects.toThrow(SubjectChangedError);
    await revocations.drain();
    expect(await repository.load(previous.token)).toBeUndefined();
    expect(revoked).toEqual(['RT-2']);
  });

  it('compares nobody with a session that cannot be read here, and leaves it where it is', async () => {
    const { opener, previous, loginOf, first } = await browsing(withAnotherSecret);
    await opener.requireSameUser(previous.token, loginOf('bob'));
    expect(await first.repository.load(previous.token)).toBeDefined();
  });

  it('replaces a session that cannot be read here, and revokes nothing', async () => {
    const { opener, previous, first, revocations, revoked } = await browsing(withAnotherSecret);
    await opener.endPrevious(previous.token, { ...previous.session, sub: 'bob' });
    await revocations.drain();
    expect(await first.repository.load(previous.token)).toBeUndefined();
    expect(revoked).toEqual([]);
  });

  it('replaces no session while the store is away', async () => {
    const { opener, previous, store, repository } = await browsing();
    store.fail('get');
    await expect(opener.endPrevious(previous.token, previous.session)).rejects.toThrow(StoreUnavailableError);
    store.heal('get');
    expect(await repository.load(previous.token)).toBeDefined();
  });
});
