import { describe, expect, it } from '@jest/globals';
import { LoginRequiredError, StoreUnavailableError } from '../../lib/common/errors.js';
import { LogoutService } from '../../lib/logout/logout.service.js';
import type { PublicUrls } from '../../lib/options/public-urls.js';
import type { ProviderService } from '../../lib/provider/provider.service.js';
import { Revocations } from '../../lib/provider/revocations.js';
import type { Loose } from '../options/valid-options.js';
import type { TokenSet } from '../../lib/provider/token-set.js';
import { CLAIMS, given, tokenSet } from '../session/given.js';

const END_SESSION = 'https://login.example.com/logout';
const URLS = { afterLogout: '/bye', postLogoutRedirectUri: 'https://app.example.com/bye' } as PublicUrls;

/** Knows the provider's logout page, and writes down what is revoked. */
class FakeProvider {
  readonly revoked: string[] = [];
  endSessionEndpoint: string | undefined = END_SESSION;
  revoke = async (refreshToken: string): Promise<boolean> => {
    this.revoked.push(refreshToken);
    return true;
  };

  endSessionUrl(params: Readonly<Record<string, string>>): URL | undefined {
    if (this.endSessionEndpoint === undefined) return undefined;
    return new URL(`${this.endSessionEndpoint}?${new URLSearchParams(params).toString()}`);
  }
}

async function loggedIn(options: Loose = {}, tokens: Partial<TokenSet> = {}) {
  const world = given(options);
  const provider = new FakeProvider();
  const service = provider as unknown as ProviderService;
  const revocations = new Revocations(service, world.events);
  const logouts = new LogoutService(world.options, URLS, service, world.repository, revocations);
  const loaded = await world.repository.create(CLAIMS, tokenSet(world.clock.now(), tokens));
  return { ...world, provider, revocations, logouts, loaded };
}

describe('LogoutService', () => {
  it('ends the session, and tells why', async () => {
    const { logouts, loaded, repository, listened } = await loggedIn();
    await logouts.logOut(loaded, loaded.token);
    expect(await repository.load(loaded.token)).toBeUndefined();
    expect(listened).toEqual([{ name: 'session.ended', session: loaded.session.id, cause: 'logout' }]);
  });

  it('sends the browser to the provider’s logout, with the ID token and where to come back', async () => {
    const { logouts, loaded } = await loggedIn();
    const url = new URL(await logouts.logOut(loaded, loaded.token));
    expect(url.origin + url.pathname).toBe(END_SESSION);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      id_token_hint: 'IT-1',
      post_logout_redirect_uri: 'https://app.example.com/bye',
      state: expect.stringMatching(/^[\w-]{43}$/u),
    });
  });

  it('sends no ID token where there is none', async () => {
    const { logouts, loaded } = await loggedIn({}, { idToken: undefined });
    expect(new URL(await logouts.logOut(loaded, loaded.token)).searchParams.has('id_token_hint')).toBe(false);
  });

  it.each([
    [2048, true],
    [2049, false],
  ])('sends an ID token of %i characters: %s [LGO-08]', async (length, isSent) => {
    const { logouts, loaded } = await loggedIn({}, { idToken: 'x'.repeat(length) });
    const url = new URL(await logouts.logOut(loaded, loaded.token));
    expect(url.searchParams.has('id_token_hint')).toBe(isSent);
    expect(url.searchParams.has('post_logout_redirect_uri')).toBe(true);
  });

  it('stays with the application where the provider has no logout', async () => {
    const { logouts, loaded, provider } = await loggedIn();
    provider.endSessionEndpoint = undefined;
    expect(await logouts.logOut(loaded, loaded.token)).toBe('/bye');
  });

  it('stays with the application where logout.provider is false', async () => {
    const { logouts, loaded } = await loggedIn({ logout: { provider: false } });
    expect(await logouts.logOut(loaded, loaded.token)).toBe('/bye');
  });

  it('revokes the refresh token that came with a refresh meanwhile, and sends its ID token', async () => {
    const { logouts, loaded, provider, repository, revocations, clock } = await loggedIn();
    const tokens = tokenSet(clock.now(), { refreshToken: 'RT-2', idToken: 'IT-2' });
    await repository.replace(loaded.session.id, repository.withTokens(loaded, tokens).stored, 'another process');
    const url = new URL(await logouts.logOut(loaded, loaded.token));
    await revocations.drain();
    expect(await repository.load(loaded.token)).toBeUndefined();
    expect(provider.revoked).toEqual(['RT-2']);
    expect(url.searchParams.get('id_token_hint')).toBe('IT-2');
  });

  it('revokes the refresh token of a session that has ended meanwhile as well', async () => {
    const { logouts, loaded, provider, repository, revocations } = await loggedIn();
    await repository.end(loaded.session.id, 'administration');
    await logouts.logOut(loaded, loaded.token);
    await revocations.drain();
    expect(provider.revoked).toEqual(['RT-1']);
  });

  it('revokes the refresh token', async () => {
    const { logouts, loaded, provider, revocations } = await loggedIn();
    await logouts.logOut(loaded, loaded.token);
    await revocations.drain();
    expect(provider.revoked).toEqual(['RT-1']);
  });

  it('does not wait for the revocation', async () => {
    const { logouts, loaded, provider } = await loggedIn();
    provider.revoke = () => new Promise(() => undefined);
    expect(await logouts.logOut(loaded, loaded.token)).toContain(END_SESSION);
  });

  it('logs out although the revocation fails, and tells', async () => {
    const { logouts, loaded, provider, revocations, listened } = await loggedIn();
    provider.revoke = () => Promise.reject(new TypeError('fetch failed'));
    await logouts.logOut(loaded, loaded.token);
    await revocations.drain();
    expect(listened).toContainEqual({ name: 'token.revocation_failed', reason: 'unexpected' });
  });

  it.each([
    ['logout.revokeTokens is false', { logout: { revokeTokens: false } }, {}],
    ['there is no refresh token', {}, { refreshToken: undefined }],
  ])('revokes nothing where %s', async (_what, options, tokens) => {
    const { logouts, loaded, provider, revocations } = await loggedIn(options, tokens);
    await logouts.logOut(loaded, loaded.token);
    await revocations.drain();
    expect(provider.revoked).toEqual([]);
  });

  it('does nothing without a session', async () => {
    const { logouts, store } = await loggedIn();
    expect(await logouts.logOut(undefined, undefined)).toBe('/bye');
    expect(store.count('delete')).toBe(0);
  });

  it('ends a session that cannot be read, by its token', async () => {
    const { logouts, loaded, repository, provider } = await loggedIn();
    expect(await logouts.logOut(undefined, loaded.token)).toBe('/bye');
    expect(await repository.load(loaded.token)).toBeUndefined();
    expect(provider.revoked).toEqual([]);
  });

  it('goes on although the tokens are damaged', async () => {
    const { logouts, loaded, repository } = await loggedIn();
    const tokens = (): never => {
      throw new LoginRequiredError('The session is damaged.', { detail: 'session_corrupt' });
    };
    const url = new URL(await logouts.logOut({ ...loaded, tokens }, loaded.token));
    expect(url.searchParams.has('id_token_hint')).toBe(false);
    expect(await repository.load(loaded.token)).toBeUndefined();
  });

  it('ends the session, and hides no fault, when reading the tokens fails by a defect', async () => {
    const { logouts, loaded, repository } = await loggedIn();
    const tokens = (): never => {
      throw new TypeError('a defect');
    };
    await expect(logouts.logOut({ ...loaded, tokens }, loaded.token)).rejects.toThrow('a defect');
    expect(await repository.load(loaded.token)).toBeUndefined();
  });

  it('goes on where the session had ended already', async () => {
    const { logouts, loaded, repository } = await loggedIn();
    await repository.end(loaded.session.id, 'logout');
    expect(await logouts.logOut(loaded, loaded.token)).toContain(END_SESSION);
  });

  it('tells when the session may still be there, and revokes nothing then', async () => {
    const { logouts, loaded, provider, revocations, store } = await loggedIn();
    store.fail('delete');
    await expect(logouts.logOut(loaded, loaded.token)).rejects.toThrow(StoreUnavailableError);
    await revocations.drain();
    expect(provider.revoked).toEqual([]);
  });
});
