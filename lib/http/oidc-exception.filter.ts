import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { throwError } from 'rxjs';
import { LoginRequiredError, OidcError } from '../common/errors.js';
import { EventLog } from '../common/events.js';
import { correlationId as newCorrelationId } from '../common/random.js';
import { PublicUrls } from '../options/public-urls.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { USER_REQUIRED } from '../provider/refresh-answer.js';
import { TokenService } from '../token/token.service.js';
import { Cookies } from './cookies.js';
import { currentSession, currentSessionIn } from './current-session.js';
import { failureEvent, tellFailure, type Failure } from './failure.js';
import { Platform, type PlatformRequest, type PlatformResponse } from './platform.js';
import { isNavigation } from './request-kind.js';
import { Responder } from './responder.js';

/** A session outlives its access token until the next login; what cannot be read here may be read by another process. */
const SESSION_LIVES_ON: ReadonlySet<string> = new Set(['access_token_expired', 'session_unreadable', ...USER_REQUIRED]);
/** This request has found out that the session it came with is over. */
const SESSION_IS_OVER: ReadonlySet<string> = new Set(['ended', 'session_corrupt']);

/**
 * Answers the library's errors: a redirect to login for pages, a page or JSON with a stable code for everything else.
 * Clients of other transports are told the code in the way of theirs.
 */
@Catch(OidcError)
export class OidcExceptionFilter implements ExceptionFilter<OidcError> {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(PublicUrls) private readonly urls: PublicUrls,
    @Inject(Platform) private readonly platform: Platform,
    @Inject(Cookies) private readonly cookies: Cookies,
    @Inject(Responder) private readonly responder: Responder,
    @Inject(EventLog) private readonly events: EventLog,
    @Inject(TokenService) private readonly tokens: TokenService,
  ) {}

  catch(error: OidcError, host: ArgumentsHost): unknown {
    if (host.getType() !== 'http') return this.answerOtherwise(error, host);
    const request = host.switchToHttp().getRequest<PlatformRequest>();
    const response = host.switchToHttp().getResponse<PlatformResponse>();
    const isTooLate = this.platform.isAnswering(response);
    if (error instanceof LoginRequiredError && !isTooLate) return this.askForLogin(error, request, response);
    const correlationId = newCorrelationId();
    this.events.emit(failureEvent(error, correlationId, currentSession(request)));
    if (isTooLate) return this.platform.end(response);
    return this.responder.error(request, response, error, correlationId);
  }

  /** Resolvers, and messages of microservices. Nest asks no global filter about gateways. */
  private answerOtherwise(error: OidcError, host: ArgumentsHost): unknown {
    const type = host.getType<string>();
    if (type !== 'graphql' && type !== 'rpc') return error;
    const failure = tellFailure(error, this.events, currentSessionIn(host));
    return type === 'graphql' ? graphqlError(error, failure) : throwError(() => failure);
  }

  private askForLogin(error: LoginRequiredError, request: PlatformRequest, response: PlatformResponse): void {
    if (this.isCookieInTheWay(error, request)) this.cookies.clearSession(response);
    const login = this.urls.pathOf('login');
    if (login !== undefined && isNavigation(request)) {
      const returnTo = this.options.base.path + this.platform.urlOf(request);
      return this.responder.redirect(response, 302, `${login}?${new URLSearchParams({ returnTo }).toString()}`);
    }
    this.responder.error(request, response, error, newCorrelationId());
  }

  /**
   * A script's request may have been overtaken by a login in another tab, whose cookie has the same name: to clear it would
   * log out who has just logged in. After a page load comes a login in any case; and who is the first to learn that a session
   * is over comes before any login.
   */
  private isCookieInTheWay({ detail = '' }: LoginRequiredError, request: PlatformRequest): boolean {
    const cookies = this.cookies.countSessions(request);
    if (cookies !== 1) return cookies > 1;
    if (SESSION_LIVES_ON.has(detail)) return false;
    return SESSION_IS_OVER.has(detail) || isNavigation(request) || this.tokens.learnsOfEnd(request);
  }
}

/** The two codes that clients of GraphQL know; ours for everything else. */
const GRAPHQL_CODES: Readonly<Record<number, string>> = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN' };

/**
 * Answered by a resolver it is its error, `extensions` included. The HTTP status is for servers that let a resolver have a
 * say in it: Apollo reads the one, Mercurius the other.
 */
function graphqlError({ statusCode }: OidcError, { message, correlationId }: Failure): Error {
  const code = GRAPHQL_CODES[statusCode] ?? message;
  const extensions = { code, error: message, correlationId, http: { status: statusCode } };
  return Object.assign(new Error(message), { extensions, statusCode });
}
