import { Inject, Injectable } from '@nestjs/common';
import type { JWTPayload } from 'jose';
import type { ClientAuth, Configuration, ServerMetadata } from 'openid-client';
import type { Claims } from '../common/claims.js';
import { CLOCK, type Clock, type Timer } from '../common/clock.js';
import type { OidcError } from '../common/errors.js';
import { noTelemetry, TELEMETRY, type Telemetry } from '../common/telemetry.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { clientAuthentication } from './client-authentication.js';
import { IdTokenValidator, sessionExpiryOf, withUserInfo } from './id-token.js';
import { loadJose, loadOpenidClient } from './protocol.js';
import { isServedAsJson, ProviderCall, retryAfterMs, unavailable, type CallLimits } from './provider-call.js';
import {
  CodeRefusedError,
  IdTokenInvalidError,
  ProviderFaultError,
  ProviderUnreachableError,
} from './provider-errors.js';
import { ProviderMetadata, pushesRequests } from './provider-metadata.js';
import { USER_REQUIRED, type OriginalIdentity, type RefreshAnswer } from './refresh-answer.js';
import { errorOf, isLoginResponse, isTokenResponse, tokenSetOf } from './token-response.js';
import type { TokenSet } from './token-set.js';

const MAX_ANSWER_BYTES = 1024 * 1024;
const REVOCATION_TIMEOUT_MS = 2000;
/** Whoever waits for the application to start is answered first. */
const WARM_UP_DELAY_MS = 100;

/** About the client or the request, never about the user (RFC 6749 §5.2). */
const MISCONFIGURED: ReadonlySet<string> = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_request',
]);

/** By a status that is not about the provider's own state (408, 429). */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

export interface AuthorizationUrlRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** What else goes into the URL; never overrides what the library sets. */
  readonly params: Readonly<Record<string, string>>;
}

export interface CodeExchange {
  readonly code: string;
  readonly redirectUri: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly authenticatedSince: number | undefined;
}

export interface Login {
  readonly tokens: TokenSet;
  /** Of the validated ID token, with those of UserInfo added where the option `login.userinfo` asks for it. */
  readonly claims: Claims;
}

/** Everything that is said to the OpenID Provider. */
@Injectable()
export class ProviderService {
  private authentication: Promise<ClientAuth> | undefined;
  private warmingUp: Timer | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ProviderMetadata) private readonly metadata: ProviderMetadata,
    @Inject(IdTokenValidator) private readonly idTokens: IdTokenValidator,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry = noTelemetry,
  ) {}

  /**
   * Imports the client key, and soon afterwards looks the provider up, before the first user comes. It may be down.
   *
   * @throws OidcConfigurationError when the client key cannot be used
   */
  async warmUp(): Promise<void> {
    if (this.options.clientAuthentication === 'private_key_jwt') await this.clientAuthentication();
    // An outage at start is logged where it is noticed; the first login tries again.
    this.warmingUp = this.clock.schedule(WARM_UP_DELAY_MS, () => void this.metadata.get().catch(() => undefined));
    this.warmingUp.unref();
  }

  /** Begins nothing of its own accord any more. */
  close(): void {
    this.warmingUp?.cancel();
  }

  /** Makes sure that a token request can be sent at once. @throws ProviderUnreachableError, ProviderFaultError */
  async prepare(): Promise<void> {
    await this.metadata.get();
    await this.clientAuthentication();
  }

  /** Whether the provider advertised what an authorization response must carry (RFC 9207 §2.4). */
  async requiresIssParameter(): Promise<boolean> {
    return (await this.metadata.get()).authorization_response_iss_parameter_supported === true;
  }

  /**
   * The authorization request as a URL (OpenID Connect Core 1.0 §3.1.2.1, PKCE: RFC 7636). Where the provider or
   * the option `login.pushedRequests` demands it, the request goes there directly, and the URL holds nothing but a reference
   * to it (RFC 9126).
   *
   * @throws ProviderFaultError, ProviderUnreachableError
   */
  async authorizationUrl(request: AuthorizationUrlRequest): Promise<URL> {
    const metadata = await this.metadata.get();
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await loadOpenidClient();
    const params = {
      ...request.params,
      redirect_uri: request.redirectUri,
      response_type: 'code',
      state: request.state,
      nonce: request.nonce,
      code_challenge: await calculatePKCECodeChallenge(request.codeVerifier),
      code_challenge_method: 'S256',
    };
    const url = buildAuthorizationUrl(await this.configure(metadata, this.call()), params);
    if (repeatsParameter(url)) {
      throw new ProviderFaultError(
        'provider_metadata_invalid',
        'The authorization_endpoint presets parameters that the options set.',
        { detail: 'authorization_endpoint' },
      );
    }
    return pushesRequests(this.options, metadata) ? this.push(metadata, params) : url;
  }

  private async push(metadata: ServerMetadata, params: Readonly<Record<string, string>>): Promise<URL> {
    const call = this.call();
    const { buildAuthorizationUrlWithPAR } = await loadOpenidClient();
    const configuration = await this.configure(metadata, call, await this.clientAuthentication());
    try {
      return await buildAuthorizationUrlWithPAR(configuration, params);
    } catch (cause) {
      throw (
        troubleOf(call) ??
        new ProviderFaultError('pushed_request_failed', 'The provider refused the authorization request.', { cause })
      );
    }
  }

  /**
   * Swaps the code for tokens and validates the ID token in full. Nothing of the answer is used before that.
   *
   * @throws CodeRefusedError, IdTokenInvalidError, ProviderFaultError, ProviderUnreachableError
   */
  async exchangeCode(exchange: CodeExchange): Promise<Login> {
    const call = this.call();
    const { authorizationCodeGrant } = await loadOpenidClient();
    const configuration = await this.configure(await this.metadata.get(), call, await this.clientAuthentication());
    const receivedAt = this.clock.now();
    // Built from our own redirect URI: whatever the request's target was, it cannot change what we send.
    const callback = new URL(exchange.redirectUri);
    callback.search = new URLSearchParams({ code: exchange.code, iss: this.options.issuer }).toString();
    try {
      await authorizationCodeGrant(configuration, callback, {
        expectedNonce: exchange.nonce,
        pkceCodeVerifier: exchange.codeVerifier,
        idTokenExpected: true,
      });
    } catch (error) {
      throw explainExchange(call, error);
    }
    if (!isLoginResponse(call.answer)) {
      throw new ProviderFaultError('token_response_invalid', 'The token response breaks RFC 6749 §5.1.');
    }
    const answered = tokenSetOf(call.answer.json, receivedAt);
    // A scope that is left out is the one that was asked for (RFC 6749 §5.1).
    const tokens = { ...answered, scope: answered.scope ?? this.options.login.scope };
    const { accessToken, idToken = '' } = tokens;
    const claims = await this.idTokens.validate(idToken, { ...exchange, accessToken });
    const sessionExpiresAt = sessionExpiryOf(claims) ?? Number.POSITIVE_INFINITY;
    if (sessionExpiresAt <= this.clock.now()) throw new IdTokenInvalidError('session_expiry');
    return { tokens, claims: this.options.login.userinfo ? await this.addUserInfo(claims, accessToken) : claims };
  }

  /**
   * Presents a refresh token once: no redirect, no retry (RFC 6749 §6, OpenID Connect Core 1.0 §12). Not at all once
   * `sendBefore` (epoch milliseconds) has passed: a process that stood still must not act on a lock that it has lost.
   *
   * @throws ProviderUnreachableError, ProviderFaultError when there is no metadata, which {@link prepare} finds out before
   */
  async refresh(refreshToken: string, original: OriginalIdentity, sendBefore: number): Promise<RefreshAnswer> {
    const call = this.call({ sendBefore });
    const { refreshTokenGrant } = await loadOpenidClient();
    const configuration = await this.configure(await this.metadata.get(), call, await this.clientAuthentication());
    const sentAt = this.clock.now();
    let isTimely = true;
    try {
      await refreshTokenGrant(configuration, refreshToken);
    } catch (error) {
      // A clock that is wrong, here or there, is no reason to end a session: everything but the ID token is taken.
      isTimely = !(isLoginResponse(call.answer) && isUntimely(error));
      if (isTimely) return this.explainRefresh(call, error);
    }
    if (!isTokenResponse(call.answer)) return this.explainRefresh(call, undefined);
    const tokens = tokenSetOf(call.answer.json, sentAt);
    const claims = tokens.idToken === undefined ? undefined : (await loadJose()).decodeJwt(tokens.idToken);
    const changed = claims && this.changedClaim(claims, original);
    if (changed) return { outcome: 'identity_rejected', reason: changed, refreshToken: tokens.refreshToken };
    if (!isTimely) return { outcome: 'refreshed', tokens: { ...tokens, idToken: undefined } };
    return { outcome: 'refreshed', tokens, sessionExpiresAt: claims && sessionExpiryOf(claims) };
  }

  /**
   * Verifies a refreshed ID token's signature. Apart from {@link refresh}, because the new refresh token must be safe in
   * the store before keys are fetched.
   *
   * @throws IdTokenInvalidError when it is forged, ProviderUnreachableError when that cannot be told now
   */
  async verifyRefreshedIdToken(idToken: string, accessToken: string): Promise<void> {
    await this.idTokens.validate(idToken, { accessToken, nonce: undefined, authenticatedSince: undefined });
  }

  /** Revokes a refresh token (RFC 7009). Best effort: `false` when the provider has no such endpoint. */
  async revoke(refreshToken: string): Promise<boolean> {
    const metadata = await this.metadata.get();
    if (metadata.revocation_endpoint === undefined) return false;
    const call = this.call({ timeoutMs: REVOCATION_TIMEOUT_MS });
    const { tokenRevocation } = await loadOpenidClient();
    const configuration = await this.configure(metadata, call, await this.clientAuthentication());
    try {
      await tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
    } catch (error) {
      throw call.failure ?? new ProviderUnreachableError('revocation_refused', { cause: error });
    }
    return true;
  }

  /**
   * The provider's logout (OpenID Connect RP-Initiated Logout 1.0 §2), from metadata at hand: `undefined` when it has
   * none or was never reached. Logging out must not wait for the provider.
   */
  async endSessionUrl(params: Readonly<Record<string, string>>): Promise<URL | undefined> {
    const metadata = this.metadata.cached;
    if (metadata?.end_session_endpoint === undefined) return undefined;
    const { buildEndSessionUrl } = await loadOpenidClient();
    return buildEndSessionUrl(await this.configure(metadata, this.call()), params);
  }

  private async addUserInfo(claims: Claims, accessToken: string): Promise<Claims> {
    const call = this.call();
    const { fetchUserInfo } = await loadOpenidClient();
    const configuration = await this.configure(await this.metadata.get(), call);
    try {
      const userInfo = await fetchUserInfo(configuration, accessToken, claims.sub);
      // `openid-client` takes a signed answer too, without a look at the signature.
      if (!isServedAsJson(call.answer))
        throw new ProviderFaultError('userinfo_invalid', 'The UserInfo response must be JSON.');
      return withUserInfo(claims, userInfo);
    } catch (error) {
      if (error instanceof ProviderFaultError) throw error;
      throw (
        call.failure ??
        unavailable(call.answer) ??
        new ProviderFaultError('userinfo_invalid', 'The UserInfo response cannot be used.', { cause: error })
      );
    }
  }

  /**
   * The claim of a refreshed ID token that differs from the original's, or `undefined` (OpenID Connect Core 1.0 §12.2). Its
   * signature is checked later.
   */
  private changedClaim(claims: JWTPayload, original: OriginalIdentity): string | undefined {
    const { iss, aud, sub, azp, nonce, auth_time: authTime } = claims;
    if (iss !== this.options.issuer) return 'iss';
    if (![aud].flat().includes(this.options.clientId)) return 'aud';
    if (sub !== original.sub) return 'sub';
    if (nonce !== undefined && nonce !== original.nonce) return 'nonce';
    if (differs(azp, original.azp)) return 'azp';
    return differs(authTime, original.authTime) ? 'auth_time' : undefined;
  }

  private explainRefresh(call: ProviderCall, cause: unknown): RefreshAnswer {
    const { answer, failure } = call;
    if (call.tooLate) return { outcome: 'not_sent' };
    if (failure) return { outcome: 'transient', reason: failure.detail ?? failure.code, retryAfterMs: undefined };
    const error = errorOf(answer);
    if (error === 'invalid_grant') return { outcome: 'refused' };
    if (error !== undefined && MISCONFIGURED.has(error)) return { outcome: 'misconfigured', reason: error };
    if (error !== undefined && USER_REQUIRED.has(error)) return { outcome: 'user_required', reason: error };
    // All is well but the ID token, and the protocol library refused it: that is what is wrong.
    if (cause !== undefined && isLoginResponse(answer)) {
      const refreshToken = tokenSetOf(answer.json, this.clock.now()).refreshToken;
      return { outcome: 'identity_rejected', reason: 'id_token', refreshToken };
    }
    return {
      outcome: 'transient',
      reason: answer.status === 200 ? 'token_response_invalid' : `http_${answer.status}`,
      retryAfterMs: retryAfterMs(answer.headers, this.clock.now()),
      ...(error !== undefined && isRefusal(answer.status) && { reached: true }),
    };
  }

  private call(limits: Partial<CallLimits> = {}): ProviderCall {
    const timeoutMs = this.options.provider.timeout * 1000;
    return new ProviderCall(this.clock, { timeoutMs, maxBytes: MAX_ANSWER_BYTES, ...limits }, this.telemetry);
  }

  /** For one call. Without `authentication` the client gives its id and no proof. */
  private async configure(
    metadata: ServerMetadata,
    call: ProviderCall,
    authentication?: ClientAuth,
  ): Promise<Configuration> {
    const protocol = await loadOpenidClient();
    const { clientId, idToken, allowInsecure } = this.options;
    const configuration = new protocol.Configuration(
      metadata,
      clientId,
      { [protocol.clockTolerance]: idToken.clockTolerance },
      authentication ?? protocol.None(),
    );
    configuration[protocol.customFetch] = call.fetch;
    if (allowInsecure) protocol.allowInsecureRequests(configuration);
    return configuration;
  }

  private clientAuthentication(): Promise<ClientAuth> {
    this.authentication ??= clientAuthentication(this.options);
    return this.authentication;
  }
}

function explainExchange(call: ProviderCall, error: unknown): OidcError {
  const refused = errorOf(call.answer);
  if (!call.failure && refused === 'invalid_grant') {
    return new CodeRefusedError('The provider refused the authorization code.', { detail: refused });
  }
  const trouble = troubleOf(call);
  if (trouble) return trouble;
  if (isLoginResponse(call.answer)) return new IdTokenInvalidError(claimOf(error) ?? 'claims', error);
  return new ProviderFaultError('token_response_invalid', 'The token response cannot be used.', { cause: error });
}

/** Those that the protocol library checks before we do. */
const CHECKED_CLAIMS: ReadonlySet<unknown> = new Set(['iss', 'aud', 'azp', 'exp', 'iat', 'nbf', 'nonce', 'auth_time']);

/** The claim for which the protocol library refused an ID token, somewhere among the causes of its error. */
function claimOf(error: unknown): string | undefined {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as Error).cause) {
    if ('claim' in cause && CHECKED_CLAIMS.has(cause.claim)) return String(cause.claim);
  }
  return undefined;
}

/** What keeps a request from being answered whatever it asks for: the way there, the client, or the provider's state. */
function troubleOf({ failure, answer }: ProviderCall): OidcError | undefined {
  if (failure) return failure;
  const refused = errorOf(answer);
  if (refused !== undefined && MISCONFIGURED.has(refused)) {
    return new ProviderFaultError('client_auth_failed', 'The provider refused this client; check its registration.', {
      detail: refused,
    });
  }
  return unavailable(answer);
}

/** Two values for one parameter would leave it to the provider which one counts (RFC 6749 §3.1). */
function repeatsParameter({ searchParams }: URL): boolean {
  return new Set(searchParams.keys()).size !== searchParams.size;
}

/** Whether the protocol library refused an ID token for its `exp`, `nbf` or `iat` alone. */
function isUntimely(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED';
}

/** Whether a claim that both tokens have is not the same in both. */
function differs(claim: unknown, original: unknown): boolean {
  return claim !== undefined && original !== undefined && claim !== original;
}
