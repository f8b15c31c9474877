import { Inject, Injectable } from '@nestjs/common';
import type { ServerMetadata } from 'openid-client';
import { CLOCK, type Clock } from '../common/clock.js';
import { OidcError } from '../common/errors.js';
import { EventLog, sanitize } from '../common/events.js';
import type { Health } from '../common/health.js';
import { isRunning } from '../common/span.js';
import { noTelemetry, TELEMETRY, type Telemetry } from '../common/telemetry.js';
import { RESERVED_PARAMETERS } from '../options/reserved-parameters.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { loadOpenidClient } from './protocol.js';
import { ProviderCall, unavailable } from './provider-call.js';
import { ProviderFaultError } from './provider-errors.js';

const MAX_METADATA_BYTES = 1024 * 1024;
const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 5000;

/** Where we or browsers are sent, as far as the provider has it. */
const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

interface Failure {
  readonly error: OidcError;
  /** Of the first in a row. Epoch milliseconds. */
  readonly since: number;
  /** Of the last in a row. Epoch milliseconds. */
  readonly failedAt: number;
  readonly backOffMs: number;
}

/**
 * The provider's metadata (OpenID Connect Discovery 1.0): fetched when first needed, by one request however many ask,
 * kept for `provider.metadataLifetime`, and used on while the provider cannot be reached to renew it.
 */
@Injectable()
export class ProviderMetadata {
  private current: { readonly metadata: ServerMetadata; readonly fetchedAt: number } | undefined;
  private failure: Failure | undefined;
  private running: Promise<ServerMetadata> | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(EventLog) private readonly events: EventLog,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry = noTelemetry,
  ) {}

  /** The metadata if it is at hand: no request is sent. */
  get cached(): ServerMetadata | undefined {
    return this.current?.metadata;
  }

  /** What the last fetch told. */
  get health(): Health {
    if (this.failure) {
      const { error, since } = this.failure;
      return { status: 'down', reason: error.detail ?? error.code, since };
    }
    return this.current ? { status: 'up' } : { status: 'down', reason: 'not_fetched_yet' };
  }

  /**
   * @throws ProviderUnreachableError while there is none and the provider is away
   * @throws ProviderFaultError when the document cannot be trusted
   */
  async get(): Promise<ServerMetadata> {
    if (!this.current) return this.fetchUnlessBackingOff();
    const { metadata, fetchedAt } = this.current;
    const isFresh = isRunning(fetchedAt, this.options.provider.metadataLifetime * 1000, this.clock.now());
    if (!isFresh) this.fetchUnlessBackingOff().catch(() => undefined);
    return metadata;
  }

  private async fetchUnlessBackingOff(): Promise<ServerMetadata> {
    if (this.running) return this.running;
    const { failure } = this;
    if (failure && isRunning(failure.failedAt, failure.backOffMs, this.clock.now())) throw failure.error;
    this.running = this.fetch().finally(() => (this.running = undefined));
    return this.running;
  }

  private async fetch(): Promise<ServerMetadata> {
    try {
      const metadata = await this.discover();
      this.current = { metadata, fetchedAt: this.clock.now() };
      this.failure = undefined;
      this.events.emitChange('provider', { name: 'provider.available' }, 'provider.available');
      return metadata;
    } catch (error) {
      throw this.backOff(error as OidcError);
    }
  }

  private backOff(error: OidcError): OidcError {
    const backOffMs = Math.min((this.failure?.backOffMs ?? FIRST_BACK_OFF_MS / 2) * 2, LONGEST_BACK_OFF_MS);
    const now = this.clock.now();
    this.failure = { error, backOffMs, failedAt: now, since: this.failure?.since ?? now };
    const reason = error.detail ?? error.code;
    this.events.emitChange(
      'provider',
      error instanceof ProviderFaultError
        ? { name: 'provider.metadata_rejected', reason, explanation: sanitize(error.message) }
        : { name: 'provider.unavailable', reason },
    );
    return error;
  }

  private async discover(): Promise<ServerMetadata> {
    const { allowInsecureRequests, customFetch, discovery } = await loadOpenidClient();
    const { issuer, clientId, allowInsecure, provider } = this.options;
    const limits = { timeoutMs: provider.timeout * 1000, maxBytes: MAX_METADATA_BYTES };
    const call = new ProviderCall(this.clock, limits, this.telemetry);
    let metadata: ServerMetadata;
    try {
      const configuration = await discovery(new URL(issuer), clientId, undefined, undefined, {
        [customFetch]: call.fetch,
        execute: allowInsecure ? [allowInsecureRequests] : [],
      });
      metadata = configuration.serverMetadata();
    } catch (error) {
      throw call.failure ?? this.explain(call, error);
    }
    // `openid-client` read it by itself, the last of repeated members being good enough for it.
    if (!call.answer.isJson) throw this.unusable('document', 'it repeats a member, or is nested too deep');
    this.check(metadata);
    return Object.freeze(metadata);
  }

  private explain(call: ProviderCall, cause: unknown): OidcError {
    const { status, json } = call.answer;
    const trouble = unavailable(call.answer);
    if (trouble) return trouble;
    const { issuer } = json;
    if (typeof issuer === 'string' && issuer !== this.options.issuer) return this.issuerMismatch(issuer);
    return new ProviderFaultError('provider_metadata_invalid', 'The provider metadata cannot be used.', {
      cause,
      detail: status === 200 ? 'document' : `http_${status}`,
    });
  }

  private check(metadata: ServerMetadata): void {
    if (metadata.issuer !== this.options.issuer) throw this.issuerMismatch(metadata.issuer);
    for (const required of this.requiredEndpoints(metadata)) {
      if (metadata[required] === undefined) throw this.unusable(required, `it has no ${required}`);
    }
    for (const name of ENDPOINTS) {
      if (metadata[name] === undefined) continue;
      if (!this.isEndpoint(metadata[name])) throw this.unusable(name, `its ${name} is not an https: URL`);
      if (!this.isAllowedHost(metadata[name])) {
        throw this.unusable(name, `the host of its ${name} is not among the option provider.allowedHosts`);
      }
    }
    if (presetsOwnParameter(metadata.authorization_endpoint ?? '')) {
      throw this.unusable('authorization_endpoint', 'its authorization_endpoint presets parameters of the client');
    }
  }

  /** The document says what it likes: no type in it is checked before this. */
  private isEndpoint(value: unknown): boolean {
    if (typeof value !== 'string' || !URL.canParse(value)) return false;
    const { protocol } = new URL(value);
    return protocol === 'https:' || (this.options.allowInsecure && protocol === 'http:');
  }

  private isAllowedHost(endpoint: string): boolean {
    const { allowedHosts } = this.options.provider;
    return allowedHosts === undefined || allowedHosts.includes(new URL(endpoint).host);
  }

  private requiredEndpoints(metadata: ServerMetadata): readonly (typeof ENDPOINTS)[number][] {
    const always = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const;
    return pushesRequests(this.options, metadata) ? [...always, 'pushed_authorization_request_endpoint'] : always;
  }

  private issuerMismatch(served: string): ProviderFaultError {
    return this.unusable(
      'issuer',
      `its issuer is ${JSON.stringify(served)} and the option issuer is ${JSON.stringify(this.options.issuer)}; ` +
        'configure the provider’s own spelling, character by character',
    );
  }

  private unusable(detail: string, why: string): ProviderFaultError {
    return new ProviderFaultError('provider_metadata_invalid', `The provider metadata cannot be used: ${why}.`, {
      detail,
    });
  }
}

/** Whether authorization requests go to the provider directly: it takes no others (RFC 9126 §5), or we send no others. */
export function pushesRequests({ login }: ResolvedOptions, metadata: ServerMetadata): boolean {
  return login.pushedRequests || metadata.require_pushed_authorization_requests === true;
}

/** An endpoint that presets a parameter of ours would make it ambiguous. */
function presetsOwnParameter(endpoint: string): boolean {
  return [...new URL(endpoint).searchParams.keys()].some((name) => RESERVED_PARAMETERS.has(name));
}
