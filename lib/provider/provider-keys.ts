import { Inject, Injectable } from '@nestjs/common';
import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWK, JWSHeaderParameters } from 'jose';
import { CLOCK, type Clock } from '../common/clock.js';
import { isRunning } from '../common/span.js';
import { noTelemetry, TELEMETRY, type Telemetry } from '../common/telemetry.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { loadJose } from './protocol.js';
import { ProviderCall, unavailable } from './provider-call.js';
import { ProviderFaultError, ProviderUnreachableError } from './provider-errors.js';
import { ProviderMetadata } from './provider-metadata.js';

const MAX_KEYS_BYTES = 512 * 1024;
const MAX_KEYS = 100;
/** How long known keys go on verifying while the provider cannot be reached to renew them. */
const STALE_MS = 3_600_000;
/** How many fetches a budget allows in a row; then one per interval. */
const FETCH_BURST = 4;
const FETCH_INTERVAL_MS = 5000;

/** For `jose`: the key that a token's header names. */
export type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

interface KeySet {
  readonly find: FindKey;
  readonly fetchedAt: number;
}

/** What the fetches for one kind of caller are taken from. */
interface Budgets {
  /** For keys that were never fetched, or are too old. Without one there is no limit. */
  readonly renewals?: FetchBudget;
  /** For a key id that is not among the keys. */
  readonly searches: FetchBudget;
}

/**
 * The provider's signing keys (`jwks_uri`). A key id that is not among them causes one fetch, at any moment, so that a
 * rotation works at once (OpenID Connect Core 1.0 §10.1.1); a flood of unknown key ids runs out of its budget.
 */
@Injectable()
export class ProviderKeys {
  private current: KeySet | undefined;
  private running: Promise<KeySet> | undefined;
  private readonly forProvider: Budgets;
  private readonly forAnyone: Budgets;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ProviderMetadata) private readonly metadata: ProviderMetadata,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry = noTelemetry,
  ) {
    this.forProvider = { searches: new FetchBudget(clock) };
    const fetches = new FetchBudget(clock);
    this.forAnyone = { renewals: fetches, searches: fetches };
  }

  /** For a token that the provider itself has just handed over. */
  readonly find: FindKey = (header, token) => this.findWithin(this.forProvider, header, token);

  /**
   * For a token that anyone may have sent. Its fetches have a budget of their own: forged tokens cause no storm of them,
   * and use up nothing that a login needs after a rotation.
   */
  readonly findForAnyone: FindKey = (header, token) => this.findWithin(this.forAnyone, header, token);

  private async findWithin(
    budgets: Budgets,
    header: JWSHeaderParameters,
    token: FlattenedJWSInput,
  ): Promise<CryptoKey> {
    const keys = await this.keys(budgets);
    const { errors } = await loadJose();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // Somebody else's fetch may have brought it while this one was looking.
      const newer = this.current !== keys && this.current ? this.current : await this.search(budgets);
      return newer.find(header, token);
    }
  }

  private async keys({ renewals }: Budgets): Promise<KeySet> {
    const { current } = this;
    const now = this.clock.now();
    if (current && isRunning(current.fetchedAt, this.options.provider.keysLifetime * 1000, now)) return current;
    try {
      if (renewals && !this.mayFetch(renewals)) throw new ProviderUnreachableError('keys');
      return await this.fetch();
    } catch (error) {
      if (current && now - current.fetchedAt < STALE_MS && error instanceof ProviderUnreachableError) return current;
      throw error;
    }
  }

  /** Without a look at what the provider has now, nothing is known of the key. */
  private async search({ searches }: Budgets): Promise<KeySet> {
    if (!this.mayFetch(searches)) throw new ProviderUnreachableError('keys');
    return this.fetch();
  }

  /** Joining a fetch that is under way costs nothing. */
  private mayFetch(budget: FetchBudget): boolean {
    return this.running !== undefined || budget.take();
  }

  private fetch(): Promise<KeySet> {
    this.running ??= this.load().finally(() => (this.running = undefined));
    return this.running;
  }

  private async load(): Promise<KeySet> {
    const { jwks_uri: uri } = await this.metadata.get();
    const limits = { timeoutMs: this.options.provider.timeout * 1000, maxBytes: MAX_KEYS_BYTES };
    const call = new ProviderCall(this.clock, limits, this.telemetry);
    await call.fetch(uri ?? '', {
      method: 'GET',
      headers: { accept: 'application/json' },
      body: null,
      redirect: 'manual',
    });
    const keys = usableKeys(call);
    const { createLocalJWKSet } = await loadJose();
    this.current = { find: createLocalJWKSet(keys) as unknown as FindKey, fetchedAt: this.clock.now() };
    return this.current;
  }
}

/** A token bucket: a burst for rotations in a row, then one every few seconds. */
class FetchBudget {
  private left = FETCH_BURST;
  private refilledAt = 0;

  constructor(private readonly clock: Clock) {}

  take(): boolean {
    const now = this.clock.now();
    // A clock that was set back makes nobody wait longer for the next one.
    const earned = now < this.refilledAt ? 1 : Math.floor((now - this.refilledAt) / FETCH_INTERVAL_MS);
    if (earned > 0) {
      this.left = Math.min(FETCH_BURST, this.left + earned);
      this.refilledAt = now;
    }
    if (this.left === 0) return false;
    this.left -= 1;
    return true;
  }
}

function usableKeys({ answer }: ProviderCall): JSONWebKeySet {
  const trouble = unavailable(answer);
  if (trouble) throw trouble;
  const { keys } = answer.json;
  if (answer.status !== 200 || !Array.isArray(keys) || keys.length > MAX_KEYS) {
    throw new ProviderFaultError('provider_metadata_invalid', 'The provider’s keys cannot be used.', {
      detail: 'jwks',
    });
  }
  return { keys: keys.filter((key): key is JWK => isPublicKey(key)) };
}

/** Symmetric and private keys have no business in a public document; one of them must not spoil the others. */
function isPublicKey(key: unknown): boolean {
  return typeof key === 'object' && key !== null && 'kty' in key && key.kty !== 'oct' && !('d' in key);
}
