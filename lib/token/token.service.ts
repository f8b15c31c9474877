import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, withDeadline, type Clock } from '../common/clock.js';
import { LoginRequiredError } from '../common/errors.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { SessionService, type RequestWithCookies } from '../session/session.service.js';
import type { LoadedSession } from '../session/session.js';
import { RefreshUnavailableError } from './token-errors.js';
import { TokenRefresher, type RefreshOutcome } from './token-refresher.js';

/** Access tokens for the APIs that a handler calls on behalf of its user. */
@Injectable()
export class TokenService {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(TokenRefresher) private readonly refresher: TokenRefresher,
  ) {}

  /**
   * A usable access token of the request's user. Refreshes it first when it has expired.
   *
   * @throws LoginRequiredError when nobody is logged in, the provider refused the refresh, or the token has expired and
   *   there is no refresh token; answered with a redirect to login or 401
   * @throws RefreshUnavailableError when it cannot be refreshed now; answered 503, the session is kept
   * @throws StoreUnavailableError when the store does not answer; answered 503
   */
  async getAccessToken(request: RequestWithCookies): Promise<string> {
    const loaded = await this.sessions.load(request);
    if (!loaded) throw new LoginRequiredError('Nobody is logged in.');
    const usable = (await this.keepFresh(request, loaded)) ?? loaded;
    if (this.refresher.age(usable) === 'expired') {
      // It ran out while the request waited, or was issued with no time left: another refresh can help, a login need not.
      if (usable.head.accessToken.refreshable) throw new RefreshUnavailableError('refresh_transient', 'expired', 1000);
      throw new LoginRequiredError('The access token has expired and there is no refresh token.', {
        detail: 'access_token_expired',
      });
    }
    return usable.tokens().accessToken;
  }

  /**
   * Called by the guard on every request. `undefined` when there is nothing to wait for, which is as good as always:
   * a token that is due is refreshed beside the request. Otherwise the session after the refresh.
   */
  keepFresh(request: RequestWithCookies, loaded: LoadedSession): Promise<LoadedSession> | undefined {
    const age = this.refresher.age(loaded);
    if (age === 'fresh' || !loaded.head.accessToken.refreshable) return undefined;
    if (age === 'due' && this.options.refresh.background) {
      void this.refresher.refresh(loaded);
      return undefined;
    }
    return this.waitForRefresh(request, loaded, age === 'due');
  }

  private async waitForRefresh(
    request: RequestWithCookies,
    loaded: LoadedSession,
    stillValid: boolean,
  ): Promise<LoadedSession> {
    const outcome = await this.outcomeInTime(loaded);
    switch (outcome.status) {
      case 'usable':
        this.sessions.remember(request, outcome.loaded);
        return outcome.loaded;
      case 'ended':
        this.sessions.remember(request, undefined);
        throw new LoginRequiredError('The session has ended.');
      case 'unavailable':
        if (stillValid) return loaded;
        throw new RefreshUnavailableError(outcome.code, outcome.reason, outcome.retryAfterMs);
      default:
        return outcome satisfies never;
    }
  }

  /** The refresh goes on when nobody waits for it any longer. */
  private async outcomeInTime(loaded: LoadedSession): Promise<RefreshOutcome> {
    const deadline = new RefreshUnavailableError('refresh_transient', 'wait_timeout', 1000);
    try {
      return await withDeadline(
        this.clock,
        this.options.refresh.waitTimeout * 1000,
        this.refresher.refresh(loaded),
        () => deadline,
      );
    } catch (error) {
      if (error !== deadline) throw error;
      return { status: 'unavailable', code: 'refresh_transient', reason: 'wait_timeout', retryAfterMs: 1000 };
    }
  }
}
