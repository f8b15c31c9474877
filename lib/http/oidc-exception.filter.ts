import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { LoginRequiredError, OidcError } from '../common/errors.js';
import { EventLog, type OidcEvent } from '../common/events.js';
import { correlationId as newCorrelationId } from '../common/random.js';
import { PublicUrls } from '../options/public-urls.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import type { Session } from '../session/session.js';
import { Cookies } from './cookies.js';
import { currentSession } from './current-session.js';
import { Platform, type PlatformRequest, type PlatformResponse } from './platform.js';
import { isNavigation } from './request-kind.js';
import { Responder } from './responder.js';

/** It outlives its access token until the next login; what cannot be read here may be read by another process. */
const SESSION_LIVES_ON: ReadonlySet<string> = new Set(['access_token_expired', 'session_unreadable']);

/** Answers the library's errors: a redirect to login for pages, a page or JSON with a stable code for everything else. */
@Catch(OidcError)
export class OidcExceptionFilter implements ExceptionFilter<OidcError> {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(PublicUrls) private readonly urls: PublicUrls,
    @Inject(Platform) private readonly platform: Platform,
    @Inject(Cookies) private readonly cookies: Cookies,
    @Inject(Responder) private readonly responder: Responder,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  catch(error: OidcError, host: ArgumentsHost): unknown {
    // Other transports have their own way of telling an error.
    if (host.getType() !== 'http') return error;
    const request = host.switchToHttp().getRequest<PlatformRequest>();
    const response = host.switchToHttp().getResponse<PlatformResponse>();
    if (error instanceof LoginRequiredError) return this.askForLogin(error, request, response);
    const correlationId = newCorrelationId();
    this.events.emit(failureEvent(error, correlationId, currentSession(request)));
    return this.responder.error(request, response, error, correlationId);
  }

  private askForLogin(error: LoginRequiredError, request: PlatformRequest, response: PlatformResponse): void {
    if (!SESSION_LIVES_ON.has(error.detail ?? '') && this.cookies.hasSession(request))
      this.cookies.clearSession(response);
    const login = this.urls.pathOf('login');
    if (login !== undefined && isNavigation(request)) {
      const returnTo = this.options.base.path + this.platform.urlOf(request);
      return this.responder.redirect(response, 302, `${login}?${new URLSearchParams({ returnTo }).toString()}`);
    }
    this.responder.error(request, response, error, newCorrelationId());
  }
}

/** What is told of an error that is answered with this correlation id. */
export function failureEvent(
  { code, detail = code, statusCode }: OidcError,
  correlationId: string,
  session?: Session,
): OidcEvent {
  const name = statusCode === 503 ? 'request.unavailable' : 'request.failed';
  const user = session ? { session: session.id, sub: session.sub } : {};
  return { name, code, correlationId, reason: detail, ...user };
}
