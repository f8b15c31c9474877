import type { Claims } from '../common/claims.js';
import type { OidcEvent } from '../common/events.js';
import type { Telemetry } from '../common/telemetry.js';
import type { SessionStore } from '../store/session-store.js';

/** How the client proves itself at the token endpoint (OpenID Connect Core 1.0 §9). */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';

/** Key for `private_key_jwt` (RFC 7523). Register its public half at the provider. */
export interface ClientPrivateKey {
  /** The private key: PKCS#8 in PEM, or a JWK. */
  readonly key: string | Readonly<Record<string, unknown>>;
  /** `kid` header of the assertion. @default none, or the JWK's own */
  readonly keyId?: string | undefined;
  /** JWS algorithm of the key. @default 'RS256', or the JWK's own `alg` */
  readonly algorithm?: string | undefined;
}

/** Authorization parameters that a browser may set through the query of the login route, when they are opted in. */
export type ForwardedParameter = 'login_hint' | 'ui_locales' | 'prompt' | 'acr_values' | 'display' | 'screen_hint';

export interface LoginOptions {
  /** Scopes to ask for, separated by spaces. Always contains `openid`. @default 'openid profile email offline_access' */
  readonly scope?: string | undefined;
  /**
   * Further parameters of every authorization request, e.g. `{ audience: '…', prompt: 'consent' }`. What the library sets
   * itself (`state`, `nonce`, `redirect_uri`, PKCE, …) is refused here. @default {}
   */
  readonly authorizationParams?: Readonly<Record<string, string>> | undefined;
  /** Parameters a browser may pass to the login route; all others are ignored. @default [] */
  readonly forwardParams?: readonly ForwardedParameter[] | undefined;
  /**
   * Oldest login at the provider that is accepted when a login begins here. Sent as `max_age`, and `auth_time` is checked
   * (Core §3.1.3.7). Seconds, 0 to 31536000 (365 days). @default none
   */
  readonly maxAge?: number | undefined;
  /** How long a login may take, from redirect to callback. Seconds, 60 to 1800. @default 600 */
  readonly lifetime?: number | undefined;
  /** Where a user goes after login when no (or no safe) `returnTo` was given. A path. @default '/' */
  readonly defaultReturnTo?: string | undefined;
  /**
   * Path of the redirect URI where the application answers it itself: with the route `callback` switched off, through
   * `AuthService.callback`. As a browser sees it, a global prefix included. @default '/auth/callback'
   */
  readonly callbackPath?: string | undefined;
  /** Fetch the UserInfo endpoint at login and add its claims (Core §5.3). @default false */
  readonly userinfo?: boolean | undefined;
  /**
   * Push authorization requests to the provider, and send browsers there with a reference alone (RFC 9126), also where the
   * provider's metadata does not demand it. The provider must have a `pushed_authorization_request_endpoint`.
   * @default false
   */
  readonly pushedRequests?: boolean | undefined;
}

export interface IdTokenOptions {
  /** Signature algorithms that are accepted. `none` and `HS*` are refused. @default ['RS256'] */
  readonly signingAlgorithms?: readonly string[] | undefined;
  /** Audiences that an ID token may name beside the client id (Core §3.1.3.7). @default [] */
  readonly trustedAudiences?: readonly string[] | undefined;
  /** Clock skew to tolerate between provider and this machine. Seconds, 0 to 60. @default 30 */
  readonly clockTolerance?: number | undefined;
}

export interface SessionCookieOptions {
  /** Name of the session cookie. @default '__Host-sid', or 'sid' when `baseUrl` is plain http */
  readonly name?: string | undefined;
  /**
   * `lax`, or `strict`: then a visit by a link on another site begins with a login, mostly unseen, and a new session.
   * @default 'lax'
   */
  readonly sameSite?: 'lax' | 'strict' | undefined;
  /** Keep the cookie when the browser is closed, as long as the session's absolute lifetime. @default false */
  readonly persistent?: boolean | undefined;
}

export interface SessionOptions {
  /** Where sessions live. @default a MemorySessionStore: one process, gone at restart */
  readonly store?: SessionStore | undefined;
  /** Inactivity after which a session ends. Seconds, 1 or more, at most `absoluteLifetime`. @default 86400 (24 hours), or `absoluteLifetime` if that is less */
  readonly idleTimeout?: number | undefined;
  /** Age at which a session ends, whatever happens. Seconds, 1 to 2592000 (30 days). @default 604800 (7 days) */
  readonly absoluteLifetime?: number | undefined;
  /** How many sessions a user may have; a login beyond that ends the oldest. An integer, 1 or more. @default no limit */
  readonly maxPerUser?: number | undefined;
  /**
   * Record the IP address (`request.ip`, as the platform was told to trust proxies) and the `User-Agent` of each login,
   * for `SessionService.list`. Sealed in the store; but also in the events `login.succeeded` and `login.failed`, and so in
   * the log: personal data. @default false
   */
  readonly recordDevice?: boolean | undefined;
  readonly cookie?: SessionCookieOptions | undefined;
}

export interface RefreshOptions {
  /**
   * How long before its expiry an access token is refreshed. Seconds, 0 to 3600; at most a third of the token's lifetime
   * is used. @default 300
   */
  readonly leeway?: number | undefined;
  /** How long a request waits for the refresh of an expired access token before 503. Seconds, 1 to 60. @default 10 */
  readonly waitTimeout?: number | undefined;
  /**
   * How long the process that refreshes a session's token keeps the others from doing so, when it is not heard of again.
   * It covers the token request, and the store being away right after it. Seconds, at least `provider.timeout` + 5, at most
   * 300. @default `provider.timeout` + 30
   */
  readonly lease?: number | undefined;
  /**
   * Refresh a token that is due but still valid beside the request, which goes on at once. `false` makes the request
   * wait, for hosts that freeze a process after the response. @default true
   */
  readonly background?: boolean | undefined;
}

export interface LogoutOptions {
  /** Go on to the provider's logout (OpenID Connect RP-Initiated Logout 1.0) where it has one. @default true */
  readonly provider?: boolean | undefined;
  /**
   * Revoke the refresh token at the provider (RFC 7009) where it can: at a logout, and when another user logs in. Best effort.
   * Tokens that came for a session that is over, or for somebody else, are revoked in any case. @default true
   */
  readonly revokeTokens?: boolean | undefined;
  /**
   * Where the user arrives after logout. A path; with `baseUrl` in front it is the `post_logout_redirect_uri` to register
   * at the provider, unless the route `postLogout` is set. @default '/'
   */
  readonly returnTo?: string | undefined;
  /**
   * What the browser forgets of the application's origin at a logout (W3C Clear Site Data §3.1): `'cache'`, what it has
   * cached; `'storage'`, what scripts have stored. Over https only, where browsers have it. @default none
   */
  readonly clearSiteData?: readonly SiteData[] | undefined;
}

/** Not `cookies`: those of a provider with the same registrable domain would go, too. */
export type SiteData = 'cache' | 'storage';

export interface ProviderOptions {
  /** Deadline of each request to the provider, body included. Seconds, 1 to 30. @default 10 */
  readonly timeout?: number | undefined;
  /** How long discovered metadata is used before it is fetched again. Seconds, 60 to 86400. @default 86400 */
  readonly metadataLifetime?: number | undefined;
  /** How long the provider's keys are used before they are fetched again. Seconds, 60 to 600. @default 600 */
  readonly keysLifetime?: number | undefined;
  /**
   * Hosts that the provider's endpoints may have, e.g. `['login.example.com']`; with the port where it is not the usual
   * one. The issuer's own host is not implied. At least one. @default any host
   */
  readonly allowedHosts?: readonly string[] | undefined;
}

export interface AuthorizationOptions {
  /**
   * Where `@Roles()` finds the user's roles: a text or a list of texts at this path among the claims. Dots lead into
   * objects, e.g. `'realm_access.roles'`; a list of names takes each as it is, for names with dots in them, e.g.
   * `['https://example.com/roles']`. @default 'roles'
   */
  readonly rolesClaim?: string | readonly string[] | undefined;
}

/** What an application writes. Durations are seconds. */
export interface OidcOptions {
  /**
   * The provider's issuer, character by character as its metadata says (OpenID Connect Discovery 1.0 §4.3). `https:`
   * without query or fragment.
   */
  readonly issuer: string;
  /** The client id registered at the provider. */
  readonly clientId: string;
  /** The client secret, for `client_secret_basic` and `client_secret_post`. */
  readonly clientSecret?: string | undefined;
  /** @default 'client_secret_basic', or 'private_key_jwt' when `clientPrivateKey` is given */
  readonly clientAuthentication?: ClientAuthentication | undefined;
  /** The key for `private_key_jwt`. */
  readonly clientPrivateKey?: ClientPrivateKey | undefined;
  /**
   * Public address of the application, as browsers see it; the redirect URI is built from it, never from a request. A
   * path in it is one that a proxy takes away before it passes a request on. Where the proxy keeps the path, leave it out
   * here and use `app.setGlobalPrefix()`; `login.defaultReturnTo` and `logout.returnTo` then begin with it.
   */
  readonly baseUrl: string;
  /**
   * Secret that seals cookies and sessions: 32 characters or more, random. A list rotates: the first seals, all unseal.
   */
  readonly secret: string | readonly string[];
  /**
   * Allow plain `http:` for the issuer and `baseUrl`, on a loopback address, outside production. For development.
   * @default false
   */
  readonly allowInsecure?: boolean | undefined;
  /**
   * Other origins of the same site that may send state-changing requests, e.g. `https://admin.example.com` for
   * `https://app.example.com`. Pages of other sites send no session cookie (`SameSite`). CORS headers are the application's
   * (`app.enableCors({ origin, credentials: true })`). @default []
   */
  readonly allowedOrigins?: readonly string[] | undefined;
  /**
   * Name of a header, e.g. `X-CSRF`, that every state-changing request with a session must carry beside coming from the
   * right origin; any value will do. Scripts of other origins cannot send it without leave (CORS), and forms cannot at all:
   * the application's own forms must be sent by scripts then. The logout route goes without: it is made for a form, and
   * checks the origin. @default none
   */
  readonly csrfHeader?: string | undefined;
  /**
   * Claims that the `me` route shows; with more than the default: `[...STANDARD_CLAIMS, 'roles']`. @default the standard
   * claims of OpenID Connect Core 1.0 §5.1
   */
  readonly publicClaims?: readonly string[] | undefined;
  /**
   * Called with the validated claims before the session is created; what it returns are the session's claims. What
   * identifies the login (`iss`, `sub`, `sid`, `azp`, `nonce`, `auth_time`) stays what it was. Throwing refuses the
   * login (403); an `HttpException` of Nest's with a status from 500 on says that it cannot be decided now (503).
   * @default the claims as they are
   */
  readonly mapClaims?: ((claims: Claims) => Claims | Promise<Claims>) | undefined;
  /**
   * Called with every event of the library, beside its log line. It may be asynchronous: nobody waits for it. What it throws is
   * logged, and changes nothing. @default none
   */
  readonly onEvent?: ((event: OidcEvent) => void) | undefined;
  /** Metrics and traces, e.g. `new OpenTelemetry()` of `nest-oidc/opentelemetry`. @default none */
  readonly telemetry?: Telemetry | undefined;
  readonly login?: LoginOptions | undefined;
  readonly idToken?: IdTokenOptions | undefined;
  readonly session?: SessionOptions | undefined;
  readonly refresh?: RefreshOptions | undefined;
  readonly logout?: LogoutOptions | undefined;
  readonly provider?: ProviderOptions | undefined;
  readonly authorization?: AuthorizationOptions | undefined;
}

/** Paths of the auth controller; `false` switches a route off. A global prefix is put in front, versions are not. */
export interface AuthRoutes {
  /** `GET`: sends the browser to the provider. @default '/auth/login' */
  readonly login?: string | false | undefined;
  /** `GET`: the redirect URI to register at the provider. @default '/auth/callback' */
  readonly callback?: string | false | undefined;
  /** `POST`: ends the session. @default '/auth/logout' */
  readonly logout?: string | false | undefined;
  /** `GET`: the public claims of the user as JSON, or 401. @default '/auth/me' */
  readonly me?: string | false | undefined;
  /**
   * Where the provider sends its logout tokens: the `backchannel_logout_uri` to register (OpenID Connect Back-Channel
   * Logout 1.0). @default '/auth/backchannel-logout'
   */
  readonly backChannelLogout?: string | false | undefined;
  /**
   * What the provider opens in a frame when a user logs out there: the `frontchannel_logout_uri` to register, with
   * `frontchannel_logout_session_required` (OpenID Connect Front-Channel Logout 1.0). Needs no cookie, which browsers would
   * not send from a frame. Prefer the back channel, which does not depend on a browser. @default false
   */
  readonly frontChannelLogout?: string | false | undefined;
  /**
   * Where the provider sends the browser after its logout: the `post_logout_redirect_uri` to register (OpenID Connect
   * RP-Initiated Logout 1.0). It goes on to `logout.returnTo`. Set it where the provider wants an
   * address of its own for this; without it, `logout.returnTo` itself is the address to register. @default false
   */
  readonly postLogout?: string | false | undefined;
}

/** What Nest must know before any factory runs; given beside `useFactory`, or among the options of `forRoot`. */
export interface OidcModuleExtras {
  /**
   * Register the module globally, so that its services can be injected everywhere. When it is `false`, a module that needs
   * them imports the same registration, kept in a constant (`const oidc = OidcModule.forRoot(…)`), or a module that exports
   * `OidcModule`. @default true
   */
  readonly global?: boolean | undefined;
  /** Protect every route with the AuthGuard. `false`: put `@UseGuards(AuthGuard)` where it is wanted. @default true */
  readonly globalGuard?: boolean | undefined;
  readonly routes?: AuthRoutes | undefined;
}

/** For `useClass` and `useExisting`: a provider of the options. */
export interface OidcOptionsFactory {
  createOidcOptions(): OidcOptions | Promise<OidcOptions>;
}
