import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { systemClock } from '../../common/clock.js';
import { randomToken } from '../../common/random.js';
import type { TestClaims } from '../login-as.js';
import { PATHS, redirectTo, type Answer, type ProviderRequest } from './endpoints.js';
import type { ProviderErrorCode } from './faults.js';
import { IssuedTokens, type Grant } from './issued-tokens.js';
import type { Signer } from './signer.js';

/** What a test may change while the provider runs. */
export interface Settings {
  /** Who is logged in, whoever comes. */
  user: TestClaims | undefined;
  /** Seconds. */
  accessTokenLifetime: number;
  /** Seconds. */
  refreshTokenLifetime: number;
  rotation: boolean;
}

/** The one client. */
export interface Client {
  readonly id: string;
  readonly secret: string;
}

interface LogoutTarget {
  readonly sub?: string | undefined;
  readonly sid?: string | undefined;
}

/** What an authorization code stands for beside the grant. */
interface CodeRequest {
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly nonce: string | undefined;
}

const CODE_LIFETIME_SECONDS = 60;
const JWT_LIFETIME_SECONDS = 600;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** The endpoints, each as a request in and an answer out. Knows no HTTP server and no faults. */
export class AuthorizationServer {
  /** Base URLs of the applications: redirects lead there and nowhere else. */
  readonly applications = new Set<string>();
  readonly refreshTokens: IssuedTokens;
  private readonly codes: IssuedTokens<CodeRequest>;
  private readonly accessTokens: IssuedTokens;
  private readonly grants = new Set<Grant>();

  constructor(
    private readonly issuer: string,
    private readonly client: Client,
    private readonly settings: Settings,
    private readonly signer: Signer,
    private readonly now: () => number,
  ) {
    this.codes = new IssuedTokens(now);
    this.refreshTokens = new IssuedTokens(now);
    this.accessTokens = new IssuedTokens(now);
  }

  /** @param error what to answer instead */
  answer(request: ProviderRequest, error?: ProviderErrorCode): Answer | Promise<Answer> {
    const { endpoint, params, headers } = request;
    if (endpoint === 'authorization') return this.authorize(params, error);
    if (error !== undefined) return refusal(error);
    switch (endpoint) {
      case 'discovery':
        return { body: this.metadata() };
      case 'keys':
        return { body: this.signer.keySet };
      case 'token':
        return this.isClient(params, headers) ? this.token(params) : refusal('invalid_client');
      case 'userinfo':
        return this.userInfo(headers.authorization);
      case 'revocation':
        return this.isClient(params, headers) ? this.revoke(params) : refusal('invalid_client');
      case 'endSession':
        return this.endSession(params);
      default:
        return endpoint satisfies never;
    }
  }

  /** A login: from now on tokens can be issued for it. */
  grant(claims: TestClaims, scope: string): Grant {
    const sid = typeof claims['sid'] === 'string' ? claims['sid'] : randomToken();
    const grant: Grant = { claims, sid, scope, authTime: this.nowSeconds(), ended: false };
    this.grants.add(grant);
    return grant;
  }

  /** Everything that was issued to this user, or in this session, is worth nothing from now on. */
  end(target: LogoutTarget): void {
    for (const grant of this.grants) {
      const { sub = grant.claims.sub, sid = grant.sid } = target;
      if (sub === grant.claims.sub && sid === grant.sid) grant.ended = true;
    }
  }

  /** The token response for a grant (OpenID Connect Core 1.0 §3.1.3.3). */
  async tokens(grant: Grant, nonce?: string): Promise<TokenResponse> {
    const { accessTokenLifetime, refreshTokenLifetime } = this.settings;
    const { scope } = grant;
    return {
      access_token: this.accessTokens.issue(grant, undefined, accessTokenLifetime),
      token_type: 'Bearer',
      expires_in: accessTokenLifetime,
      scope,
      id_token: await this.idToken(grant, nonce),
      ...(scope.split(' ').includes('offline_access')
        ? { refresh_token: this.refreshTokens.issue(grant, undefined, refreshTokenLifetime) }
        : {}),
    };
  }

  /** OpenID Connect Back-Channel Logout 1.0 §2.4. */
  logoutToken(target: LogoutTarget): Promise<string> {
    const claims = { ...target, aud: this.client.id, jti: randomToken(), events: { [LOGOUT_EVENT]: {} } };
    return this.sign(claims, 'logout+jwt');
  }

  /** The application that a URL leads to, by its base URL. */
  applicationAt(url: string): string | undefined {
    return [...this.applications].find((base) => url === base || url.startsWith(`${base}/`));
  }

  private metadata(): object {
    const at = (path: string): string => this.issuer + path;
    return {
      issuer: this.issuer,
      authorization_endpoint: at(PATHS.authorization),
      token_endpoint: at(PATHS.token),
      jwks_uri: at(PATHS.keys),
      userinfo_endpoint: at(PATHS.userinfo),
      revocation_endpoint: at(PATHS.revocation),
      end_session_endpoint: at(PATHS.endSession),
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    };
  }

  private authorize(params: URLSearchParams, error: ProviderErrorCode | undefined): Answer {
    const redirectUri = params.get('redirect_uri') ?? '';
    if (params.get('client_id') !== this.client.id) return { status: 400, body: 'Unknown client_id.' };
    if (this.applicationAt(redirectUri) === undefined) {
      return { status: 400, body: `Unknown redirect_uri ${redirectUri}: make the options with provider.options().` };
    }
    const refused = error ?? this.problemOf(params);
    const back = { state: params.get('state') ?? undefined, iss: this.issuer };
    if (refused !== undefined) return redirectTo(redirectUri, { ...back, error: refused });
    const grant = this.grant(this.settings.user ?? { sub: '' }, params.get('scope') ?? '');
    const codeRequest: CodeRequest = {
      redirectUri,
      codeChallenge: params.get('code_challenge') ?? '',
      nonce: params.get('nonce') ?? undefined,
    };
    return redirectTo(redirectUri, { ...back, code: this.codes.issue(grant, codeRequest, CODE_LIFETIME_SECONDS) });
  }

  /** What is wrong with an authorization request (OpenID Connect Core 1.0 §3.1.2.1, RFC 7636 §4.3). */
  private problemOf(params: URLSearchParams): ProviderErrorCode | undefined {
    const isComplete =
      params.get('response_type') === 'code' &&
      params.get('code_challenge_method') === 'S256' &&
      params.has('code_challenge');
    if (!isComplete) return 'invalid_request';
    if (!params.get('scope')?.split(' ').includes('openid')) return 'invalid_scope';
    return this.settings.user ? undefined : 'login_required';
  }

  private async token(params: URLSearchParams): Promise<Answer> {
    switch (params.get('grant_type')) {
      case 'authorization_code':
        return this.exchangeCode(params);
      case 'refresh_token':
        return this.refresh(params.get('refresh_token') ?? '');
      default:
        return refusal('unsupported_grant_type');
    }
  }

  private async exchangeCode(params: URLSearchParams): Promise<Answer> {
    const found = this.codes.use(params.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(params.get('code_verifier') ?? '')
      .digest('base64url');
    const isRight = found?.data.codeChallenge === challenge && found.data.redirectUri === params.get('redirect_uri');
    return isRight ? { body: await this.tokens(found.grant, found.data.nonce) } : refusal('invalid_grant');
  }

  /** With rotation a refresh token is good for one refresh; one that comes again ends the whole family. */
  private async refresh(refreshToken: string): Promise<Answer> {
    const { rotation } = this.settings;
    const found = rotation ? this.refreshTokens.use(refreshToken) : this.refreshTokens.find(refreshToken);
    if (!found) return refusal('invalid_grant');
    const response = await this.tokens(found.grant);
    return { body: rotation ? response : { ...response, refresh_token: undefined } };
  }

  private userInfo(authorization = ''): Answer {
    const found = this.accessTokens.find(authorization.replace(/^Bearer /iu, ''));
    return found ? { body: found.grant.claims } : refusal('invalid_token');
  }

  private revoke(params: URLSearchParams): Answer {
    const found = this.refreshTokens.find(params.get('token') ?? '');
    if (found) found.grant.ended = true;
    return {};
  }

  /** OpenID Connect RP-Initiated Logout 1.0 §2: nobody is asked. */
  private async endSession(params: URLSearchParams): Promise<Answer> {
    const hint = await this.signer.claimsOf(params.get('id_token_hint') ?? '');
    if (typeof hint?.['sid'] === 'string') this.end({ sid: hint['sid'] });
    const uri = params.get('post_logout_redirect_uri') ?? '';
    if (this.applicationAt(uri) === undefined) return { body: 'Logged out.' };
    return redirectTo(uri, { state: params.get('state') ?? undefined });
  }

  private idToken({ claims, sid, authTime }: Grant, nonce: string | undefined): Promise<string> {
    const own = { aud: this.client.id, sid, auth_time: authTime, ...(nonce === undefined ? {} : { nonce }) };
    return this.sign({ ...claims, ...own }, 'JWT');
  }

  private sign(claims: Readonly<Record<string, unknown>>, typ: string): Promise<string> {
    const iat = this.nowSeconds();
    // Protocol libraries go by the system's time, however far back a test's clock is.
    const exp = Math.max(iat, Math.floor(systemClock.now() / 1000)) + JWT_LIFETIME_SECONDS;
    return this.signer.sign({ ...claims, iss: this.issuer, iat, exp }, typ);
  }

  private isClient(params: URLSearchParams, { authorization = '' }: IncomingHttpHeaders): boolean {
    const { id, secret } = this.client;
    if (!authorization.startsWith('Basic ')) {
      return params.get('client_id') === id && params.get('client_secret') === secret;
    }
    const [user, password] = Buffer.from(authorization.slice('Basic '.length), 'base64').toString('utf8').split(':', 2);
    // Each half is form-encoded first (RFC 6749 §2.3.1).
    return formDecoded(user) === id && formDecoded(password) === secret;
  }

  private nowSeconds(): number {
    return Math.floor(this.now() / 1000);
  }
}

/** Names as on the wire (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly id_token: string;
  readonly refresh_token?: string;
}

const UNAUTHORIZED: ReadonlySet<ProviderErrorCode> = new Set(['invalid_client', 'invalid_token']);

/** RFC 6749 §5.2. */
function refusal(error: ProviderErrorCode): Answer {
  return { status: UNAUTHORIZED.has(error) ? 401 : 400, body: { error } };
}

function formDecoded(text = ''): string | undefined {
  return new URLSearchParams(`v=${text}`).get('v') ?? undefined;
}
