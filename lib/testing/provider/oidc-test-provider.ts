import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../common/clock.js';
import { randomToken } from '../../common/random.js';
import type { LoginAsOptions, TestClaims } from '../login-as.js';
import { AuthorizationServer, type Settings } from './authorization-server.js';
import { readRequest, sendAnswer, type ProviderEndpoint, type ProviderRequest } from './endpoints.js';
import { Faults, type ProviderFault } from './faults.js';
import { Signer } from './signer.js';

/** How an {@link OidcTestProvider} is set up. */
export interface OidcTestProviderOptions {
  /** The clock that its tokens go by: the one that stands in for the library's. @default the system's */
  readonly clock?: Pick<Clock, 'now'> | undefined;
  /** Lifetime of access tokens. Seconds. @default 3600 */
  readonly accessTokenLifetime?: number | undefined;
  /** Lifetime of refresh tokens. Seconds. @default 2592000 (30 days) */
  readonly refreshTokenLifetime?: number | undefined;
  /**
   * Each refresh brings a new refresh token, and an old one that comes again ends all that came of its login (RFC 9700
   * §4.14.2). @default true
   */
  readonly rotation?: boolean | undefined;
}

/** An application that logs its users in at an {@link OidcTestProvider}. */
export interface TestApplication {
  /** As the option `baseUrl`. Nothing needs to listen there. */
  readonly baseUrl: string;
  /** Where {@link OidcTestProvider.logOut} sends logout tokens. @default `/auth/backchannel-logout` at `baseUrl` */
  readonly backChannelLogoutUri?: string | undefined;
}

/** Options for `OidcModule`, complete as they are. */
export interface TestProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly baseUrl: string;
  /** Random, the same for every application of this provider. */
  readonly secret: string;
  readonly allowInsecure: true;
}

/** Whom a provider logs out: a user, one session, or one session of that user. */
export type TestLogoutTarget =
  { readonly sub: string; readonly sid?: string | undefined } | { readonly sub?: undefined; readonly sid: string };

/** What an {@link OidcTestProvider} issues for a login that took place elsewhere: {@link LoginAsOptions}. */
export type TestTokens = Required<
  Pick<LoginAsOptions, 'accessToken' | 'accessTokenLifetime' | 'refreshToken' | 'idToken' | 'scope'>
>;

const CLIENT_ID = 'test-client';
const A_MONTH_SECONDS = 2_592_000;
const SCOPE = 'openid offline_access';

/**
 * An OpenID Provider in this process, for journeys. It logs in whoever {@link OidcTestProvider.loginAs} names, without a
 * form, and does what a test tells it: fail, hang, let tokens expire, log users out. Strict about PKCE, redirect URIs,
 * codes and refresh tokens; of no use for anything but tests.
 */
export class OidcTestProvider {
  /** The client id of every application. */
  readonly clientId = CLIENT_ID;
  /** The client secret of every application. */
  readonly clientSecret = randomToken();
  private readonly secret = randomToken();
  private readonly backChannels = new Map<string, string>();
  private readonly faults = new Faults();
  private readonly settings: Settings;
  private readonly protocol: AuthorizationServer;
  private seen: ProviderRequest[] = [];

  /** Starts one on a free port of 127.0.0.1. End it with {@link close}. */
  static async start(options: OidcTestProviderOptions = {}): Promise<OidcTestProvider> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new OidcTestProvider(server, issuer, options, await Signer.create());
  }

  private constructor(
    private readonly server: Server,
    /** Its identity, and where it listens. */
    readonly issuer: string,
    private readonly initial: OidcTestProviderOptions,
    signer: Signer,
  ) {
    const { clock = systemClock } = initial;
    this.settings = settingsOf(initial);
    const client = { id: this.clientId, secret: this.clientSecret };
    this.protocol = new AuthorizationServer(issuer, client, this.settings, signer, () => clock.now());
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.handle(request, response).catch((error: Error) => response.destroy(error));
    });
  }

  /** Registers an application, and answers the options for its `OidcModule`. Others may be added to them. */
  options({ baseUrl, backChannelLogoutUri }: TestApplication): TestProviderOptions {
    const { origin, pathname } = new URL(baseUrl);
    const base = origin + pathname.replace(/\/+$/u, '');
    this.protocol.applications.add(base);
    this.backChannels.set(base, backChannelLogoutUri ?? `${base}/auth/backchannel-logout`);
    const { issuer, clientId, clientSecret, secret } = this;
    return { issuer, clientId, clientSecret, baseUrl, secret, allowInsecure: true };
  }

  /**
   * Whoever comes is this user from now on; the claims are in the ID token and at UserInfo. Each login is a session of its
   * own (`sid`), unless the claims name one. Before that, and after `undefined`, nobody is: `login_required`.
   */
  loginAs(claims: TestClaims | undefined): void {
    this.settings.user = claims;
  }

  /**
   * Opens one of this provider's pages as a browser would, e.g. the `Location` that the application's login or logout
   * answers, and answers where it leads: path and query at the application, for a client that needs no port.
   *
   * @throws Error when it leads nowhere
   */
  async visit(url: string): Promise<string> {
    if (!url.startsWith(`${this.issuer}/`)) throw new Error(`${url} is not at this provider, ${this.issuer}.`);
    const response = await fetch(url, { redirect: 'manual' });
    const location = response.headers.get('location');
    const base = location === null ? undefined : this.protocol.applicationAt(location);
    if (location === null || base === undefined) {
      throw new Error(`The provider did not redirect: ${response.status} ${await response.text()}`);
    }
    return location.slice(base.length) || '/';
  }

  /**
   * Tokens of a login without a browser, for the session that the function `loginAs` makes: so it can be refreshed here.
   *
   * ```ts
   * const user = { sub: 'alice' };
   * await loginAs(app, user, await provider.issueTokens(user));
   * ```
   */
  async issueTokens(claims: TestClaims, scope: string = SCOPE): Promise<TestTokens> {
    const tokens = await this.protocol.tokens(this.protocol.grant(claims, scope));
    return {
      accessToken: tokens.access_token,
      accessTokenLifetime: tokens.expires_in,
      refreshToken: tokens.refresh_token,
      idToken: tokens.id_token,
      scope: tokens.scope,
    };
  }

  /**
   * Logs a user or a session out at the provider: its tokens are worth nothing any more, and every application is sent a
   * logout token (OpenID Connect Back-Channel Logout 1.0 §2.5).
   *
   * @throws Error when an application refuses it, or is not there
   */
  async logOut(target: TestLogoutTarget): Promise<void> {
    this.protocol.end(target);
    await Promise.all([...this.backChannels.values()].map(async (uri) => deliver(await this.logoutToken(target), uri)));
  }

  /** A logout token as {@link logOut} sends it, for a test that brings it to the application itself. Ends nothing here. */
  logoutToken(target: TestLogoutTarget): Promise<string> {
    return this.protocol.logoutToken(target);
  }

  /** From now on, or `times` times, this goes wrong at an endpoint. {@link recover} ends it. */
  fail(endpoint: ProviderEndpoint, fault: ProviderFault, times: number = Number.POSITIVE_INFINITY): void {
    this.faults.plan(endpoint, fault, times);
  }

  /** Nothing goes wrong any more, at one endpoint or at all of them. Requests that hang go on hanging. */
  recover(endpoint?: ProviderEndpoint): void {
    this.faults.clear(endpoint);
  }

  /** Lifetime of the access tokens that are issued from now on. Seconds. */
  get accessTokenLifetime(): number {
    return this.settings.accessTokenLifetime;
  }

  set accessTokenLifetime(seconds: number) {
    this.settings.accessTokenLifetime = seconds;
  }

  /** Every request that has come, in order. */
  get requests(): readonly ProviderRequest[] {
    return this.seen;
  }

  /** How many requests have come to an endpoint; with `params`, e.g. `{ grant_type: 'refresh_token' }`, how many had them. */
  count(endpoint: ProviderEndpoint, params: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(params);
    return this.seen.filter(
      (request) => request.endpoint === endpoint && wanted.every(([name, value]) => request.params.get(name) === value),
    ).length;
  }

  /** How often a refresh token came again that had been used: 0 for an application that takes care. */
  get reusedRefreshTokens(): number {
    return this.protocol.refreshTokens.reuses;
  }

  /** For the next test: nobody is logged in, nothing goes wrong, no request has come. What was issued stays good. */
  reset(): void {
    Object.assign(this.settings, settingsOf(this.initial));
    this.faults.clear();
    this.seen = [];
    this.protocol.refreshTokens.reuses = 0;
  }

  /** Stops listening and ends what hangs. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    if (!request) return sendAnswer(response, { status: 404 });
    this.seen.push(request);
    const fault = this.faults.next(request.endpoint);
    if (fault === 'hang') return;
    if (fault === 'drop') return void incoming.socket.destroy();
    if (typeof fault === 'number') return sendAnswer(response, { status: fault });
    const answer = await this.protocol.answer(request, fault === 'lose' ? undefined : fault);
    if (fault === 'lose') return void incoming.socket.destroy();
    sendAnswer(response, answer);
  }
}

function settingsOf({
  accessTokenLifetime = 3600,
  refreshTokenLifetime = A_MONTH_SECONDS,
  rotation = true,
}: OidcTestProviderOptions): Settings {
  return { user: undefined, accessTokenLifetime, refreshTokenLifetime, rotation };
}

async function deliver(logoutToken: string, uri: string): Promise<void> {
  const response = await fetch(uri, { method: 'POST', body: new URLSearchParams({ logout_token: logoutToken }) });
  if (!response.ok) throw new Error(`${uri} answered the logout token with ${response.status}.`);
}
