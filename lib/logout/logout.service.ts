import { Inject, Injectable } from '@nestjs/common';
import { randomToken } from '../common/random.js';
import { PublicUrls } from '../options/public-urls.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { ProviderService } from '../provider/provider.service.js';
import { Revocations } from '../provider/revocations.js';
import { SessionRepository } from '../session/session-repository.js';
import { sessionIdOf } from '../session/session-token.js';
import { undamagedTokens, type LoadedSession } from '../session/session.js';

/**
 * With a longer one, the head of the response passes 4 KiB, which nginx and others refuse from an application, or the URL
 * the limit of the provider's server. Without a hint the provider asks the user whether to log out: better than no logout.
 */
const MAX_HINT_LENGTH = 2048;

/** Ends a session here first, then, as far as the provider is there, everywhere else. */
@Injectable()
export class LogoutService {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(PublicUrls) private readonly urls: PublicUrls,
    @Inject(ProviderService) private readonly provider: ProviderService,
    @Inject(SessionRepository) private readonly sessions: SessionRepository,
    @Inject(Revocations) private readonly revocations: Revocations,
  ) {}

  /**
   * Ends the session in the store and answers where the browser goes next: the provider's logout (OpenID Connect
   * RP-Initiated Logout 1.0 §2) where there is one, otherwise a page of our own. Without a session there is nothing to
   * do, and that is fine. One that cannot be read here, since another key sealed it, ends all the same: whoever has its
   * token may end it.
   *
   * @throws StoreUnavailableError when the session may still be there
   */
  async logOut(loaded: LoadedSession | undefined, token: string | undefined): Promise<string> {
    if (!loaded) {
      if (token !== undefined) await this.sessions.end(sessionIdOf(token), 'logout');
      return this.urls.afterLogout;
    }
    const tokens = undamagedTokens((await this.sessions.endLatest(loaded, 'logout')) ?? loaded);
    if (this.options.logout.revokeTokens) this.revocations.revoke(tokens?.refreshToken);
    return (await this.providerLogout(tokens?.idToken))?.href ?? this.urls.afterLogout;
  }

  private async providerLogout(idToken: string | undefined): Promise<URL | undefined> {
    if (!this.options.logout.provider) return undefined;
    const hint = idToken === undefined || idToken.length > MAX_HINT_LENGTH ? {} : { id_token_hint: idToken };
    return this.provider.endSessionUrl({
      ...hint,
      post_logout_redirect_uri: this.urls.postLogoutRedirectUri,
      state: randomToken(),
    });
  }
}
