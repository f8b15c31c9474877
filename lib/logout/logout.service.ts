import { Inject, Injectable } from '@nestjs/common';
import { randomToken } from '../common/random.js';
import { PublicUrls } from '../options/public-urls.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { ProviderService } from '../provider/provider.service.js';
import { Revocations } from '../provider/revocations.js';
import type { TokenSet } from '../provider/token-set.js';
import { SessionRepository } from '../session/session-repository.js';
import type { LoadedSession } from '../session/session.js';

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
   * do, and that is fine.
   *
   * @throws StoreUnavailableError when the session may still be there
   */
  async logOut(loaded: LoadedSession | undefined): Promise<string> {
    if (!loaded) return this.urls.afterLogout;
    await this.sessions.end(loaded.session.id, 'logout');
    const tokens = loaded.tokens();
    if (this.options.logout.revokeTokens) this.revocations.revoke(tokens.refreshToken);
    return this.providerLogout(tokens)?.href ?? this.urls.afterLogout;
  }

  private providerLogout({ idToken }: TokenSet): URL | undefined {
    if (!this.options.logout.provider) return undefined;
    return this.provider.endSessionUrl({
      ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      post_logout_redirect_uri: this.urls.postLogoutRedirectUri,
      state: randomToken(),
    });
  }
}
