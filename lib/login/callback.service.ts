import { Inject, Injectable } from '@nestjs/common';
import type { Claims } from '../common/claims.js';
import { EventLog } from '../common/events.js';
import { sameText } from '../common/same-text.js';
import { TELEMETRY, type Telemetry } from '../common/telemetry.js';
import { PublicUrls } from '../options/public-urls.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { ProviderService } from '../provider/provider.service.js';
import { SessionRepository } from '../session/session-repository.js';
import { sessionIdOf } from '../session/session-token.js';
import type { Device, LoadedSession } from '../session/session.js';
import { AuthorizationRequests, type AuthorizationRequest } from './authorization-request.js';
import { asksForUser, AuthorizationRefusedError, CallbackRejectedError, errorOfMapClaims } from './login-errors.js';
import { loginOrigin } from './login-origin.js';
import { ReturnTo } from './return-to.js';
import { SessionOpener } from './session-opener.js';

/** Answers of other flows: in the code flow their presence is an attack or a misconfiguration (RFC 9700 §2.1.2). */
const FOREIGN_PARAMETERS: readonly string[] = ['response', 'id_token', 'access_token', 'token'];
const SINGLE_PARAMETERS: readonly string[] = ['code', 'state', 'iss', 'error', ...FOREIGN_PARAMETERS];

export interface AuthorizationResponse {
  /** The query as it came, not a parsed copy: parsers disagree about repeated names. */
  readonly params: URLSearchParams;
  /** The sealed authorization request that this browser holds for the `state`. */
  readonly sealedRequest: string | undefined;
  /** The session token that this browser holds, whether or not its session is alive. */
  readonly previousToken: string | undefined;
  /** What is recorded about the browser, where the application asks for it. */
  readonly device: Device | undefined;
}

export interface LoginResult {
  /** The new session; `undefined` when a silent login found nobody to log in, so that everything is as it was. */
  readonly loaded: LoadedSession | undefined;
  readonly returnTo: string;
}

/** Ends a login: checks the authorization response, swaps the code, makes the session. */
@Injectable()
export class CallbackService {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(PublicUrls) private readonly urls: PublicUrls,
    @Inject(ProviderService) private readonly provider: ProviderService,
    @Inject(SessionRepository) private readonly sessions: SessionRepository,
    @Inject(AuthorizationRequests) private readonly requests: AuthorizationRequests,
    @Inject(SessionOpener) private readonly opener: SessionOpener,
    @Inject(ReturnTo) private readonly returnTo: ReturnTo,
    @Inject(EventLog) private readonly events: EventLog,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
  ) {}

  /**
   * Checks that the authorization response belongs to a login of this browser (RFC 6749 §4.1.2, RFC 9207). Changes
   * nothing.
   *
   * @throws CallbackRejectedError naming the check
   */
  check({ params, sealedRequest }: AuthorizationResponse): AuthorizationRequest {
    if (SINGLE_PARAMETERS.some((name) => params.getAll(name).length > 1)) {
      throw new CallbackRejectedError('duplicate_parameter');
    }
    if (FOREIGN_PARAMETERS.some((name) => params.has(name))) throw new CallbackRejectedError('unexpected_parameter');
    const state = params.get('state');
    if (!state) throw new CallbackRejectedError('state_missing');
    if (sealedRequest === undefined) throw new CallbackRejectedError('transaction_missing');
    const request = this.requests.unseal(sealedRequest, this.requests.nameOf(state));
    if (!request) throw new CallbackRejectedError('transaction_invalid');
    if (!sameText(request.state, state)) throw new CallbackRejectedError('state_mismatch');
    if (this.requests.isExpired(request)) throw new CallbackRejectedError('transaction_expired');
    if (!this.isOurs(request)) throw new CallbackRejectedError('provider_mismatch');
    return request;
  }

  /**
   * Uses up the authorization request and logs the user in: always a new session, the old one of this browser is gone.
   *
   * @throws CallbackRejectedError, AuthorizationRefusedError, CodeRefusedError, IdTokenInvalidError, ProviderFaultError,
   *   ProviderUnreachableError, LoginRefusedError, LoginUnavailableError, StoreUnavailableError; nobody was logged in, an
   *   existing session is as it was, unless the store went away while it was being replaced
   * @throws SubjectChangedError: no session was made, and the existing one is over
   */
  complete(response: AuthorizationResponse, request: AuthorizationRequest): Promise<LoginResult> {
    return this.telemetry.measure('login.callback', {}, () => this.logIn(response, request));
  }

  private async logIn(response: AuthorizationResponse, request: AuthorizationRequest): Promise<LoginResult> {
    const { params, previousToken, device } = response;
    await this.checkIssuer(params.get('iss'));
    await this.useUp(request);
    const returnTo = this.returnTo.resolve(request.returnTo);
    const error = params.get('error');
    if (error !== null && this.isSilentOutcome(error, request)) return { loaded: undefined, returnTo };
    if (error !== null) throw new AuthorizationRefusedError(error);
    const code = params.get('code');
    if (!code) throw new CallbackRejectedError('code_missing');
    const login = await this.provider.exchangeCode({
      code,
      redirectUri: request.redirectUri,
      nonce: request.nonce,
      codeVerifier: request.codeVerifier,
      authenticatedSince: authenticatedSince(request),
    });
    if (request.silent && previousToken !== undefined) await this.opener.requireSameUser(previousToken, login);
    const loaded = await this.opener.open(login, await this.mapped(login.claims), device, previousToken);
    if (previousToken !== undefined) await this.opener.endPrevious(previousToken, loaded.session);
    const { id: session, sub } = loaded.session;
    this.events.emit({ name: 'login.succeeded', session, sub, ...loginOrigin(device) });
    return { loaded, returnTo };
  }

  /**
   * A silent login that only the user could have finished has told what it was asked (OpenID Connect Core 1.0 §3.1.2.6): the
   * page goes on, and the login that a protected page asks for then is not silent. Where every login is, by the option, that
   * would go round in circles.
   */
  private isSilentOutcome(error: string, { silent }: AuthorizationRequest): boolean {
    return silent === true && asksForUser(error) && this.options.login.authorizationParams['prompt'] === undefined;
  }

  /** Mix-up defence (RFC 9207 §2.4): a simple string comparison, and presence where the provider promises it. */
  private async checkIssuer(iss: string | null): Promise<void> {
    if (iss !== null && iss !== this.options.issuer) throw new CallbackRejectedError('iss_mismatch');
    if (iss === null && (await this.provider.requiresIssParameter())) throw new CallbackRejectedError('iss_missing');
  }

  /** Before the token request, in one atomic step: of identical callbacks one goes on (RFC 9700 §4.2.4). */
  private async useUp({ state, createdAt }: AuthorizationRequest): Promise<void> {
    const first = await this.sessions.markUsed(sessionIdOf(state), this.requests.expiresAt(createdAt));
    if (!first) throw new CallbackRejectedError('transaction_used');
  }

  private async mapped(claims: Claims): Promise<Claims> {
    if (!this.options.mapClaims) return claims;
    try {
      const mapped = withIdentityOf(claims, await this.options.mapClaims(claims));
      // What JSON cannot hold is found out here, where it is told as a mistake of `mapClaims`.
      JSON.stringify(mapped);
      return mapped;
    } catch (error) {
      throw errorOfMapClaims(error);
    }
  }

  private isOurs({ issuer, clientId, redirectUri }: AuthorizationRequest): boolean {
    return (
      issuer === this.options.issuer && clientId === this.options.clientId && redirectUri === this.urls.redirectUri
    );
  }
}

/** `max_age` is counted from when it was asked for: a user may take long to answer the provider after the password. */
function authenticatedSince({ createdAt, maxAge }: AuthorizationRequest): number | undefined {
  return maxAge === undefined ? undefined : createdAt - maxAge * 1000;
}

/** Claims of the original ID token that the library goes by later: at a refresh (Core §12.2), at logout. */
const IDENTITY_CLAIMS = ['iss', 'sub', 'sid', 'azp', 'nonce', 'auth_time'] as const;

/** The application's claims, with those that identify the login as they were. */
function withIdentityOf(original: Claims, mapped: Claims): Claims {
  const { iss, sub } = original;
  const others = Object.entries(mapped).filter(([name]) => !(IDENTITY_CLAIMS as readonly string[]).includes(name));
  const identity = IDENTITY_CLAIMS.filter((name) => original[name] !== undefined).map((name) => [name, original[name]]);
  return { ...Object.fromEntries(others), ...Object.fromEntries(identity), iss, sub };
}
