import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { NavigationRequiredError, OidcError, type OidcErrorCode } from '../common/errors.js';
import { EventLog } from '../common/events.js';
import { correlationId } from '../common/random.js';
import { CallbackService, type AuthorizationResponse } from '../login/callback.service.js';
import { loginOrigin } from '../login/login-origin.js';
import { LoginService } from '../login/login.service.js';
import { LogoutService } from '../logout/logout.service.js';
import { ProviderLogoutService } from '../logout/provider-logout.service.js';
import { PublicUrls } from '../options/public-urls.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { sessionTokenOf } from '../session/session-token.js';
import { SessionService } from '../session/session.service.js';
import { Cookies } from './cookies.js';
import { formOf, onlyValueOf } from './form-body.js';
import { failureEvent } from './failure.js';
import { OriginCheck } from './origin-check.js';
import { Platform, type PlatformRequest, type PlatformResponse } from './platform.js';
import { isTopLevelNavigation, wantsJson } from './request-kind.js';
import { Responder } from './responder.js';

/** Nothing was used up: the right answer may yet come, or the same address be tried again. */
const LOGIN_GOES_ON: ReadonlySet<OidcErrorCode> = new Set([
  'store_unavailable',
  'duplicate_parameter',
  'unexpected_parameter',
  'state_missing',
  'state_mismatch',
  'transaction_missing',
]);

/**
 * What the routes of the auth controller do. For applications that switch a route off and answer it themselves: each
 * method sends the response, with `@Res()` in the handler, which must be `@Public()`: the guard protects it like any other.
 */
@Injectable()
export class AuthService implements OnApplicationBootstrap {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(Platform) private readonly platform: Platform,
    @Inject(Responder) private readonly responder: Responder,
    @Inject(Cookies) private readonly cookies: Cookies,
    @Inject(LoginService) private readonly logins: LoginService,
    @Inject(CallbackService) private readonly callbacks: CallbackService,
    @Inject(LogoutService) private readonly logouts: LogoutService,
    @Inject(ProviderLogoutService) private readonly providerLogouts: ProviderLogoutService,
    @Inject(PublicUrls) private readonly urls: PublicUrls,
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(OriginCheck) private readonly origins: OriginCheck,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  onApplicationBootstrap(): void {
    const path = this.urls.servedPathOf('backChannelLogout');
    if (path !== undefined) this.platform.admitForms(path);
  }

  /** Sends the browser to the provider. Reads `returnTo`, and the parameters that `login.forwardParams` opts in. */
  async login(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    if (!isTopLevelNavigation(request)) throw new NavigationRequiredError();
    const { authorizationRequest, url } = await this.logins.start(this.platform.queryOf(request));
    this.cookies.addPending(request, response, authorizationRequest);
    this.responder.redirect(response, 302, url.href);
  }

  /** The redirect URI: checks the authorization response, makes the session, sends the browser to `returnTo`. */
  async callback(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    if (!isTopLevelNavigation(request)) throw new NavigationRequiredError();
    const params = this.platform.queryOf(request);
    const state = params.get('state') ?? '';
    const received: AuthorizationResponse = {
      params,
      sealedRequest: this.cookies.pendingOf(request, state),
      previousToken: sessionTokenOf(request.headers.cookie, this.options.session.cookie.name),
      device: this.options.session.recordDevice ? this.platform.deviceOf(request) : undefined,
    };
    try {
      const authorizationRequest = this.callbacks.check(received);
      this.responder.returnTo(request, authorizationRequest.returnTo);
      const { loaded, returnTo } = await this.callbacks.complete(received, authorizationRequest);
      if (loaded) this.cookies.setSession(response, loaded);
      this.cookies.clearPending(response, state);
      // A redirect goes on where the browser comes from, another site: a strict cookie would not come along.
      if (this.options.session.cookie.sameSite === 'strict') this.responder.forward(response, returnTo);
      else this.responder.redirect(response, 303, returnTo);
    } catch (error) {
      if (error instanceof OidcError) this.failLogin(error, received, response, state);
      throw error;
    }
  }

  /**
   * Ends the session: in the store, in the browser, then at the provider. Only for a page of our own: the origin is
   * checked. A navigation is redirected, a script that asks for JSON is told `{ redirectTo }`.
   */
  async logout(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    this.origins.require(request);
    const token = sessionTokenOf(request.headers.cookie, this.options.session.cookie.name);
    const redirectTo = await this.logouts.logOut(await this.sessions.loadReadable(request), token);
    this.sessions.remember(request, undefined);
    this.cookies.clearSession(response);
    this.cookies.clearAllPending(request, response);
    this.responder.clearSiteData(response, this.options.logout.clearSiteData);
    if (wantsJson(request)) return this.responder.json(response, 200, { redirectTo });
    this.responder.redirectForm(response, redirectTo);
  }

  /** Where the provider sends the browser after its logout: goes on to `logout.returnTo`, whatever came along (`state`). */
  postLogout(_request: PlatformRequest, response: PlatformResponse): void {
    this.responder.redirect(response, 303, this.urls.afterLogout);
  }

  /**
   * Takes a logout token from the provider and ends the sessions it names (OpenID Connect Back-Channel Logout 1.0 §2.5,
   * §2.8). For a POST of a form, without a cookie and from no page: the token is what is checked. Reads the body where no
   * parser has; on Fastify with `bodyParser: false`, a route of the application's own needs a parser for forms.
   */
  async backChannelLogout(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    try {
      const form = await formOf(request, this.platform);
      await this.providerLogouts.backChannel(onlyValueOf(form, 'logout_token'));
    } catch (error) {
      if (!(error instanceof OidcError)) throw error;
      const id = correlationId();
      this.events.emit(failureEvent(error, id));
      return this.responder.errorToProvider(response, error, id);
    }
    this.responder.empty(response, 200);
  }

  /**
   * Ends the sessions that began with the provider's session `sid` (OpenID Connect Front-Channel Logout 1.0 §3): for a GET
   * in a frame of the provider's logout page. Says the same whether there were any.
   */
  async frontChannelLogout(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    const query = this.platform.queryOf(request);
    await this.providerLogouts.frontChannel(onlyValueOf(query, 'iss'), onlyValueOf(query, 'sid'));
    this.responder.frame(response, new URL(this.options.issuer).origin);
  }

  /** The public claims of the user as JSON, or 401: scripts ask this, so it never redirects. */
  async me(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    const session = (await this.sessions.loadReadable(request))?.session;
    this.platform.setHeader(response, 'Vary', 'Cookie');
    if (!session) {
      if (this.cookies.countSessions(request) > 1) this.cookies.clearSession(response);
      return this.responder.json(response, 401, { error: 'login_required', correlationId: correlationId() });
    }
    const { publicClaims } = this.options;
    const claims = Object.entries(session.claims).filter(([name]) => publicClaims.includes(name));
    this.responder.json(response, 200, Object.fromEntries(claims));
  }

  private failLogin(
    error: OidcError,
    { device }: AuthorizationResponse,
    response: PlatformResponse,
    state: string,
  ): void {
    const reason = [error.code, error.detail].filter(Boolean).join(':');
    this.events.emit({ name: 'login.failed', reason, ...loginOrigin(device) });
    if (!LOGIN_GOES_ON.has(error.code)) this.cookies.clearPending(response, state);
  }
}
