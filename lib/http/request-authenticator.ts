import { Inject, Injectable } from '@nestjs/common';
import { LoginRequiredError, OidcError } from '../common/errors.js';
import { SessionRepository } from '../session/session-repository.js';
import { SessionService } from '../session/session.service.js';
import { isLoaded, type LoadedSession, type Loading, type Session } from '../session/session.js';
import { TokenService } from '../token/token.service.js';
import { OriginCheck } from './origin-check.js';
import type { PlatformRequest } from './platform.js';
import { changesState } from './request-kind.js';

/**
 * Whose pages may send a request: to change state, our own, or anybody's; or our own only, whatever the method, since what
 * it opens acts in the user's name later.
 */
export type AllowedPages = 'own' | 'any' | 'own always';

/** Finds out whose request it is, and keeps the session and its tokens alive on the way. */
@Injectable()
export class RequestAuthenticator {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(SessionRepository) private readonly repository: SessionRepository,
    @Inject(TokenService) private readonly tokens: TokenService,
    @Inject(OriginCheck) private readonly origins: OriginCheck,
  ) {}

  /**
   * Answers, or throws, at once where nothing has to be waited for.
   *
   * @throws LoginRequiredError, CrossOriginRequestError, StoreUnavailableError, RefreshUnavailableError
   */
  require(request: PlatformRequest, pages: AllowedPages = 'own'): Session | Promise<Session> {
    const loading = this.sessions.load(request);
    return isLoaded(loading)
      ? this.accept(request, loading, pages)
      : loading.then((loaded) => this.accept(request, loaded, pages));
  }

  /** The same for a session that was held. @throws LoginRequiredError, StoreUnavailableError, RefreshUnavailableError */
  async renew(session: Session): Promise<Session> {
    const loaded = await this.sessions.load(session);
    if (!loaded) throw new LoginRequiredError('The session has ended.');
    return this.keptAlive((await this.tokens.keepFresh(session, loaded)) ?? loaded);
  }

  /**
   * For open routes: trouble with the store is no reason to refuse, the visitor is unknown then. Nor is a page kept
   * waiting for a refresh: who wants the token waits for it.
   *
   * @throws CrossOriginRequestError
   */
  async find(request: PlatformRequest, pages: AllowedPages = 'own'): Promise<Session | undefined> {
    const loaded = await quietly(this.sessions.load(request));
    if (!loaded) return undefined;
    this.checkOrigin(request, pages);
    // Its outcome is an event of its own; here nobody waits for it.
    this.tokens.keepFresh(request, loaded)?.catch(() => undefined);
    return this.keptAlive(loaded);
  }

  private accept(
    request: PlatformRequest,
    loaded: LoadedSession | undefined,
    pages: AllowedPages,
  ): Session | Promise<Session> {
    if (!loaded) throw new LoginRequiredError('Nobody is logged in.');
    this.checkOrigin(request, pages);
    const refreshing = this.tokens.keepFresh(request, loaded);
    return refreshing ? refreshing.then((refreshed) => this.keptAlive(refreshed)) : this.keptAlive(loaded);
  }

  private keptAlive(loaded: LoadedSession): Session {
    this.repository.touch(loaded);
    return loaded.session;
  }

  private checkOrigin(request: PlatformRequest, pages: AllowedPages): void {
    if (pages === 'own always') return this.origins.require(request);
    if (pages === 'any' || !changesState(request)) return;
    this.origins.require(request);
    this.origins.requireHeader(request);
  }
}

async function quietly(attempt: Loading): Promise<LoadedSession | undefined> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof OidcError) return undefined;
    throw error;
  }
}
