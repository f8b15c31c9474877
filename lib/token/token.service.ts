import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, withDeadline, type Clock } from '../common/clock.js';
import { LoginRequiredError, type OidcError } from '../common/errors.js';
import { EventLog } from '../common/events.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { USER_REQUIRED } from '../provider/refresh-answer.js';
import type { TokenSet } from '../provider/token-set.js';
import { sessionIdOf, sessionTokenOf } from '../session/session-token.js';
import { SessionService, type RequestWithCookies, type SessionSource } from '../session/session.service.js';
import type { LoadedSession } from '../session/session.js';
import { RefreshUnavailableError } from './token-errors.js';
import { TokenRefresher, type RefreshOutcome } from './token-refresher.js';
import { UntoldEnds } from './untold-ends.js';

export interface AccessTokenOptions {
  /**
   * How long the token must be usable yet; one that is not is refreshed first. Seconds, 0 or more; at most two thirds of
   * the token's lifetime count, since more would refresh it on every call. @default 0
   */
  readonly minValidity?: number | undefined;
  /**
   * Refresh although the token looks good, for an API that has refused it. Does nothing in the first 5 seconds of a token,
   * and not if somebody else has refreshed it meanwhile. @default false
   */
  readonly forceRefresh?: boolean | undefined;
}

type UnavailableOutcome = Extract<RefreshOutcome, { status: 'unavailable' }>;

/**
 * Tokens for an application; `expiresAt` in epoch milliseconds, `undefined` when the provider did not say. The refresh token
 * is not among them: it may be presented once, by this library.
 */
export type AccessTokenSet = Pick<TokenSet, 'accessToken' | 'tokenType' | 'expiresAt' | 'scope' | 'idToken'>;

const SHORTEST_LIFE_BEFORE_FORCE_MS = 5000;

/**
 * Access tokens for the APIs that an application calls on behalf of its user. Each method takes the request, or, outside
 * of HTTP handlers, the `Session` that was held.
 */
@Injectable()
export class TokenService {
  private readonly untoldEnds = new UntoldEnds();

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(TokenRefresher) private readonly refresher: TokenRefresher,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  /**
   * A usable access token of the user. Refreshes it first when it has expired.
   *
   * @throws LoginRequiredError when nobody is logged in, the provider refused the refresh, or the token has expired and
   *   there is no refresh token, or the provider wants to ask the user before it refreshes it; answered with a redirect to
   *   login or 401
   * @throws RefreshUnavailableError when it cannot be refreshed now; answered 503, the session is kept
   * @throws StoreUnavailableError when the store does not answer; answered 503
   */
  async getAccessToken(source: SessionSource, options?: AccessTokenOptions): Promise<string> {
    return (await this.usableTokens(source, options)).accessToken;
  }

  /** The access token with what belongs to it. Throws as {@link getAccessToken} does. */
  async getTokenSet(source: SessionSource, options?: AccessTokenOptions): Promise<AccessTokenSet> {
    const { accessToken, tokenType, expiresAt, scope, idToken } = await this.usableTokens(source, options);
    return { accessToken, tokenType, expiresAt, scope, idToken };
  }

  /**
   * Calls an API with the user's access token in the `Authorization` header (RFC 6750 §2.1). When the API answers 401, the
   * token is refreshed and the call repeated, once, and only if its body can be sent again: text, bytes, a `Blob`, a form. What
   * is read as it is sent, such as a stream, cannot: the 401 is the answer then.
   *
   * Throws as {@link getAccessToken} and the global `fetch` do.
   */
  async fetch(source: SessionSource, url: string | URL, init: RequestInit = {}): Promise<Response> {
    const accessToken = await this.getAccessToken(source);
    const response = await fetch(url, withToken(init, accessToken));
    if (response.status !== 401 || !canBeSentAgain(init.body)) return response;
    const newToken = await this.getAccessToken(source, { forceRefresh: true });
    if (newToken === accessToken) return response;
    await response.body?.cancel();
    return fetch(url, withToken(init, newToken));
  }

  /**
   * @internal For the guard, on every request. `undefined` when there is nothing to wait for, which is as good as always: a token
   * that is due is refreshed beside the request. Otherwise the session after the refresh.
   */
  keepFresh(source: SessionSource, loaded: LoadedSession): Promise<LoadedSession> | undefined {
    const age = this.refresher.age(loaded);
    if (age === 'fresh' || !loaded.head.accessToken.refreshable) return undefined;
    if (age === 'due' && this.options.refresh.background) {
      void this.refresher.refreshSoon(loaded)?.then((outcome) => this.noteBackground(outcome, loaded));
      return undefined;
    }
    return this.waitForRefresh(source, loaded, age === 'due');
  }

  /** @internal Whether this request is the first to learn that a refresh which nobody waited for has ended its session. */
  learnsOfEnd({ headers }: RequestWithCookies): boolean {
    const token = sessionTokenOf(headers.cookie, this.options.session.cookie.name);
    return token !== undefined && this.untoldEnds.take(sessionIdOf(token));
  }

  private async usableTokens(source: SessionSource, options: AccessTokenOptions = {}): Promise<TokenSet> {
    const loaded = await this.sessions.load(source);
    if (!loaded) throw new LoginRequiredError('Nobody is logged in.');
    const usable = await this.refreshed(source, loaded, options);
    if (this.refresher.age(usable) !== 'expired') return usable.tokens();
    // It ran out while the request waited, or was issued with no time left: another refresh can help, a login need not.
    if (usable.head.accessToken.refreshable) throw new RefreshUnavailableError('refresh_transient', 'expired', 1000);
    throw new LoginRequiredError('The access token has expired and there is no refresh token.', {
      detail: 'access_token_expired',
    });
  }

  private async refreshed(
    source: SessionSource,
    loaded: LoadedSession,
    { minValidity = 0, forceRefresh = false }: AccessTokenOptions,
  ): Promise<LoadedSession> {
    const { issuedAt, expiresAt = Number.POSITIVE_INFINITY, refreshable } = loaded.head.accessToken;
    const now = this.clock.now();
    const forced = forceRefresh && now - issuedAt >= SHORTEST_LIFE_BEFORE_FORCE_MS;
    const tooShort = expiresAt - now < Math.min(minValidity * 1000, ((expiresAt - issuedAt) * 2) / 3);
    if (refreshable && (forced || tooShort)) return this.waitForRefresh(source, loaded, expiresAt > now, true);
    return (await this.keepFresh(source, loaded)) ?? loaded;
  }

  private async waitForRefresh(
    source: SessionSource,
    loaded: LoadedSession,
    stillValid: boolean,
    force = false,
  ): Promise<LoadedSession> {
    const outcome = await this.outcomeInTime(loaded, force);
    switch (outcome.status) {
      case 'usable':
        this.sessions.remember(source, outcome.loaded);
        return outcome.loaded;
      case 'ended':
        this.sessions.remember(source, undefined);
        throw new LoginRequiredError('The session has ended.', outcome.elsewhere ? {} : { detail: 'ended' });
      case 'unavailable':
        if (!stillValid) throw unavailable(outcome);
        this.tellStale(outcome, loaded);
        return loaded;
      default:
        return outcome satisfies never;
    }
  }

  private noteBackground(outcome: RefreshOutcome, loaded: LoadedSession): void {
    if (outcome.status === 'ended' && !outcome.elsewhere) this.untoldEnds.add(loaded.session.id);
    this.tellStale(outcome, loaded);
  }

  private tellStale({ status }: RefreshOutcome, { session }: LoadedSession): void {
    if (status === 'unavailable') this.events.emit({ name: 'refresh.stale_but_valid', session: session.id });
  }

  /** The refresh goes on when nobody waits for it any longer. */
  private async outcomeInTime(loaded: LoadedSession, force: boolean): Promise<RefreshOutcome> {
    const deadline = new RefreshUnavailableError('refresh_transient', 'wait_timeout', 1000);
    try {
      return await withDeadline(
        this.clock,
        this.options.refresh.waitTimeout * 1000,
        this.refresher.refresh(loaded, force),
        () => deadline,
      );
    } catch (error) {
      if (error !== deadline) throw error;
      return { status: 'unavailable', code: 'refresh_transient', reason: 'wait_timeout', retryAfterMs: 1000 };
    }
  }
}

function unavailable({ code, reason, retryAfterMs }: UnavailableOutcome): OidcError {
  return USER_REQUIRED.has(reason)
    ? new LoginRequiredError('The provider wants the user to log in.', { detail: reason })
    : new RefreshUnavailableError(code, reason, retryAfterMs);
}

/** Node's `fetch` takes whatever can be iterated as well, which is used up the first time. */
function canBeSentAgain(body: RequestInit['body']): boolean {
  if (body === undefined || body === null || typeof body === 'string' || ArrayBuffer.isView(body)) return true;
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((type) => body instanceof type);
}

function withToken(init: RequestInit, accessToken: string): RequestInit {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${accessToken}`);
  return { ...init, headers };
}
