import { systemClock, type Clock } from '../common/clock.js';
import { EventLog } from '../common/events.js';
import { OidcCounters } from '../common/oidc-counters.js';
import { OidcError } from '../common/errors.js';
import { randomToken } from '../common/random.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { IdTokenValidator } from '../provider/id-token.js';
import { CodeRefusedError, ProviderFaultError, ProviderUnreachableError } from '../provider/provider-errors.js';
import { ProviderKeys } from '../provider/provider-keys.js';
import { ProviderMetadata } from '../provider/provider-metadata.js';
import { ProviderService } from '../provider/provider.service.js';
import type { Findings } from './findings.js';
import { NoReplyError, probe, type Reply } from './probe.js';

export type Metadata = Awaited<ReturnType<ProviderMetadata['get']>>;

const MAX_HOPS = 5;

/** What the doctor asks the OpenID Provider. Nobody is logged in, and no token is issued. */
export class ProviderChecks {
  private readonly metadata: ProviderMetadata;
  private readonly provider: ProviderService;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly redirectUri: string,
    private readonly findings: Findings,
    private readonly clock: Clock = systemClock,
  ) {
    this.metadata = new ProviderMetadata(options, clock, new EventLog(undefined, new OidcCounters()));
    const keys = new ProviderKeys(options, clock, this.metadata);
    this.provider = new ProviderService(options, clock, this.metadata, new IdTokenValidator(options, clock, keys));
  }

  /** All checks; the metadata when it can be used. */
  async run(): Promise<Metadata | undefined> {
    const metadata = await this.checkMetadata();
    if (!metadata) return undefined;
    this.checkPkce(metadata);
    this.checkSigningAlgorithms(metadata);
    this.checkScopes(metadata);
    await this.checkKeysAndClock(metadata);
    await this.checkRedirectUri();
    await this.checkClient(metadata);
    this.checkLogout(metadata);
    return metadata;
  }

  private async checkMetadata(): Promise<Metadata | undefined> {
    const { issuer } = this.options;
    try {
      const metadata = await this.metadata.get();
      this.findings.ok('issuer', `${issuer} answers, and its metadata names it and every endpoint that is needed`);
      if (issuer.startsWith('http:')) this.findings.note('issuer', 'is plain http, which production refuses');
      return metadata;
    } catch (error) {
      if (!(error instanceof OidcError)) throw error;
      this.findings.fault('issuer', error.message, cureOfMetadata(error));
      return undefined;
    }
  }

  private checkPkce({ code_challenge_methods_supported }: Metadata): void {
    const methods = listOf(code_challenge_methods_supported);
    if (!methods) return this.findings.note('PKCE', 'the metadata does not say whether the provider checks it');
    if (methods.includes('S256')) return this.findings.ok('PKCE', 'the provider supports S256');
    this.findings.fault(
      'PKCE',
      `the provider supports ${methods.join(', ')} only; logins are sent with S256`,
      'Switch PKCE with S256 on for this client or realm, or update the provider.',
    );
  }

  private checkSigningAlgorithms({ id_token_signing_alg_values_supported }: Metadata): void {
    const offered = listOf(id_token_signing_alg_values_supported) ?? [];
    const { signingAlgorithms } = this.options.idToken;
    const common = signingAlgorithms.filter((algorithm) => offered.includes(algorithm));
    if (common.length > 0) return this.findings.ok('ID token', `can be signed with ${common.join(', ')}`);
    const usable = offered.filter((algorithm) => !/^(?:none|HS\d+)$/u.test(algorithm));
    this.findings.fault(
      'ID token',
      `the provider signs with ${offered.join(', ') || 'nothing'}, and ${signingAlgorithms.join(', ')} is accepted`,
      usable.length > 0
        ? `Set OIDC_SIGNING_ALGORITHMS=${usable[0]}, whichever this client uses.`
        : 'Let the provider sign the ID tokens of this client with RS256.',
    );
  }

  private checkScopes({ scopes_supported }: Metadata): void {
    const supported = listOf(scopes_supported);
    const missing = this.options.login.scope.split(' ').filter((scope) => supported && !supported.includes(scope));
    if (missing.length === 0) return;
    const cure = 'If logins fail with invalid_scope, leave it out of OIDC_SCOPE.';
    this.findings.note('scope', `the metadata does not list ${missing.join(', ')}`, cure);
  }

  private async checkKeysAndClock({ jwks_uri: uri = '' }: Metadata): Promise<void> {
    const reply = await this.ask(new URL(uri));
    if (reply instanceof NoReplyError) {
      const cure = 'Open the way from this machine to that address, as the application needs it too.';
      return this.findings.fault('signing keys', `${uri} does not answer (${reply.reason})`, cure);
    }
    const count = countKeys(reply);
    if (count > 0) this.findings.ok('signing keys', `${count} at ${uri}`);
    else {
      const cure = 'Create a signing key at the provider, or correct its jwks_uri.';
      this.findings.fault('signing keys', `there are none at ${uri} (status ${reply.status})`, cure);
    }
    this.checkClock(reply.headers.date);
  }

  private checkClock(date: string | undefined): void {
    const theirs = Date.parse(date ?? '');
    if (Number.isNaN(theirs)) return this.findings.note('clock', 'the provider does not say what time it has');
    const skew = Math.round((theirs - this.clock.now()) / 1000);
    const apart = `${Math.abs(skew)} s ${skew < 0 ? 'behind' : 'ahead of'} this machine`;
    const { clockTolerance } = this.options.idToken;
    // The header has no fractions of a second, and was on its way.
    if (Math.abs(skew) <= 2) return this.findings.ok('clock', 'the provider and this machine have the same time');
    if (Math.abs(skew) < clockTolerance) {
      return this.findings.note('clock', `the provider is ${apart}; ${clockTolerance} s are tolerated`);
    }
    const cure = 'Synchronize both with NTP. OIDC_CLOCK_TOLERANCE can bridge up to 60 seconds.';
    this.findings.fault('clock', `the provider is ${apart}; ${clockTolerance} s are tolerated`, cure);
  }

  /** An authorization request that asks the user nothing. What is not registered never gets a redirect (RFC 6749 §3.1.2.4). */
  private async checkRedirectUri(): Promise<void> {
    const subject = 'redirect URI';
    try {
      const { scope, authorizationParams } = this.options.login;
      const url = await this.provider.authorizationUrl({
        redirectUri: this.redirectUri,
        state: randomToken(),
        nonce: randomToken(),
        codeVerifier: randomToken(),
        params: { ...authorizationParams, scope, prompt: 'none' },
      });
      this.judgeAuthorization(await this.follow(url));
    } catch (error) {
      if (error instanceof NoReplyError) {
        const cure = 'The authorization_endpoint must answer browsers; check it from one.';
        return this.findings.note(subject, `the authorization_endpoint does not answer (${error.reason})`, cure);
      }
      if (!(error instanceof OidcError)) throw error;
      this.findings.fault(subject, error.message, this.cureOfRegistration);
    }
  }

  private judgeAuthorization({ status, location, body }: Reply): void {
    const subject = 'redirect URI';
    if (location?.href.startsWith(`${this.redirectUri}?`)) {
      const error = location.searchParams.get('error');
      const isHarmless = error === null || /^(?:login|interaction|consent|account_selection)_/u.test(error);
      this.findings.ok(subject, `the provider redirects to ${this.redirectUri}`);
      if (isHarmless) return;
      const cure = 'Check the scopes, grant types and response types that are allowed for this client.';
      return this.findings.fault('authorization request', `the provider refuses it with ${error}`, cure);
    }
    const isRefused = status >= 400 || /redirect[ _-]?ur[il]/iu.test(body);
    if (!isRefused) {
      const text = 'cannot be told: the provider shows a page instead of answering';
      return this.findings.note(subject, text, `Make sure that ${this.redirectUri} is registered, or log in once.`);
    }
    const text = `the provider does not redirect to ${this.redirectUri} (status ${status})`;
    this.findings.fault(subject, text, this.cureOfRegistration);
  }

  private get cureOfRegistration(): string {
    return `Register exactly ${this.redirectUri} as a redirect URI of client ${this.options.clientId}, or correct BASE_URL.`;
  }

  /** As far as the provider's own redirects go; the one to the application is not followed. */
  private async follow(url: URL): Promise<Reply> {
    let reply = await probe(this.clock, url, { accept: 'text/html' });
    for (let hops = 0; hops < MAX_HOPS && reply.location; hops += 1) {
      if (reply.location.href.startsWith(`${this.redirectUri}?`)) break;
      if (reply.location.origin !== url.origin) break;
      reply = await probe(this.clock, reply.location, { accept: 'text/html' });
    }
    return reply;
  }

  /** A code that nobody issued: a provider that knows the client refuses the code, not the client (RFC 6749 §5.2). */
  private async checkClient(metadata: Metadata): Promise<void> {
    const subject = 'client';
    const { clientAuthentication, clientId } = this.options;
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    try {
      const code = `nest-oidc-doctor-${randomToken()}`;
      const verifier = { nonce: randomToken(), codeVerifier: randomToken() };
      await this.provider.exchangeCode({
        code,
        redirectUri: this.redirectUri,
        ...verifier,
        authenticatedSince: undefined,
      });
    } catch (error) {
      if (error instanceof CodeRefusedError) {
        return this.findings.ok(subject, `${clientId} is accepted with ${clientAuthentication}`);
      }
      if (!(error instanceof OidcError)) throw error;
      const isRefused = error.detail === 'invalid_client' || error.detail === 'unauthorized_client';
      const why = `the answer to a code that nobody issued: ${error.message} (${error.detail ?? error.code})`;
      if (!isRefused) return this.findings.note(subject, why, 'Whether the client is accepted will show at a login.');
      const other = methods.includes(clientAuthentication)
        ? `whether the client authenticates with ${clientAuthentication} there`
        : `OIDC_CLIENT_AUTHENTICATION: the provider supports ${methods.join(', ')}`;
      const cure = `Compare OIDC_CLIENT_ID and OIDC_CLIENT_SECRET with the registration at the provider, and ${other}.`;
      this.findings.fault(subject, `the provider refuses ${clientId} with ${error.detail}`, cure);
    }
  }

  private checkLogout(metadata: Metadata): void {
    const supported = (does: unknown, what: string, without: string): void => {
      if (does) this.findings.ok('logout', what);
      else this.findings.note('logout', without);
    };
    supported(
      metadata.end_session_endpoint,
      'goes on to the provider',
      'the provider has no end_session_endpoint: users stay logged in there',
    );
    supported(
      metadata.revocation_endpoint,
      'revokes the refresh token',
      'the provider has no revocation_endpoint: refresh tokens live on until they expire',
    );
    supported(
      metadata['backchannel_logout_supported'],
      'at the provider ends sessions here (back channel)',
      'the provider has no back-channel logout: a logout there does not end sessions here',
    );
  }

  private async ask(url: URL): Promise<Reply | NoReplyError> {
    try {
      return await probe(this.clock, url, { accept: 'application/json' });
    } catch (error) {
      if (error instanceof NoReplyError) return error;
      throw error;
    }
  }
}

function cureOfMetadata(error: OidcError): string {
  const { detail = '' } = error;
  if (error instanceof ProviderFaultError) {
    if (detail === 'issuer') return 'Set OIDC_ISSUER to the issuer that the metadata names, if it is your provider’s.';
    if (detail.startsWith('http_') || detail === 'document') {
      return 'Correct OIDC_ISSUER: with /.well-known/openid-configuration behind it, it must show the metadata.';
    }
    return 'Correct the provider’s configuration; behind a proxy, its public address.';
  }
  if (!(error instanceof ProviderUnreachableError)) return 'Correct OIDC_ISSUER.';
  if (/^(?:ENOTFOUND|EAI_AGAIN)$/u.test(detail)) return 'Correct the host name in OIDC_ISSUER, or the name server.';
  if (/CERT|SELF_SIGNED|VERIFY|ALTNAME/u.test(detail)) {
    return 'Give the provider a certificate that Node.js trusts, or name its authority in NODE_EXTRA_CA_CERTS.';
  }
  if (detail.startsWith('http_')) return 'Look into the provider’s log: it is there, and fails.';
  return 'Start the provider, correct host and port in OIDC_ISSUER, or open the way through firewalls and proxies.';
}

function countKeys({ body }: Reply): number {
  try {
    const { keys } = JSON.parse(body) as { readonly keys?: unknown };
    return Array.isArray(keys) ? keys.length : 0;
  } catch {
    return 0;
  }
}

/** Metadata says what it likes: what is no list is as good as absent. */
function listOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}
