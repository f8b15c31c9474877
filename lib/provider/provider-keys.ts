import { Inject, Injectable } from '@nestjs/common';
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import { CLOCK, type Clock } from '../common/clock.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { ProviderCall, unavailable } from './provider-call.js';
import { ProviderFaultError, ProviderUnreachableError } from './provider-errors.js';
import { ProviderMetadata } from './provider-metadata.js';

const MAX_KEYS_BYTES = 512 * 1024;
const MAX_KEYS = 100;
/** How long known keys go on verifying while the provider cannot be reached to renew them. */
const STALE_MS = 3_600_000;
/** Unknown key ids may cause this many fetches in a row, then one per interval. */
const SEARCH_BURST = 4;
const SEARCH_INTERVAL_MS = 5000;

interface KeySet {
  readonly find: (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;
  readonly fetchedAt: number;
}

/**
 * The provider's signing keys (`jwks_uri`). A key id that is not among them causes one fetch, at any moment, so that a
 * rotation works at once (OpenID Connect Core 1.0 §10.1.1); a flood of unknown key ids runs out of its budget.
 */
@Injectable()
export class ProviderKeys {
  private current: KeySet | undefined;
  private running: Promise<KeySet> | undefined;
  private searches = SEARCH_BURST;
  private refilledAt = 0;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ProviderMetadata) private readonly metadata: ProviderMetadata,
  ) {}

  /** For `jose`: the key that a token's header names. */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    const keys = await this.keys();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // Somebody else's fetch may have brought it while this one was looking.
      const newer = this.current !== keys && this.current ? this.current : await this.search(error);
      return newer.find(header, token);
    }
  };

  private async keys(): Promise<KeySet> {
    const { current } = this;
    if (!current) return this.fetch();
    const age = this.clock.now() - current.fetchedAt;
    if (age < this.options.provider.keysLifetime * 1000) return current;
    try {
      return await this.fetch();
    } catch (error) {
      if (age < STALE_MS && error instanceof ProviderUnreachableError) return current;
      throw error;
    }
  }

  private async search(notFound: Error): Promise<KeySet> {
    if (!this.running && !this.takeSearch()) throw notFound;
    return this.fetch();
  }

  /** A token bucket: a burst for rotations in a row, then one every few seconds. */
  private takeSearch(): boolean {
    const now = this.clock.now();
    const earned = Math.floor((now - this.refilledAt) / SEARCH_INTERVAL_MS);
    if (earned > 0) {
      this.searches = Math.min(SEARCH_BURST, this.searches + earned);
      this.refilledAt = now;
    }
    if (this.searches === 0) return false;
    this.searches -= 1;
    return true;
  }

  private fetch(): Promise<KeySet> {
    this.running ??= this.load().finally(() => (this.running = undefined));
    return this.running;
  }

  private async load(): Promise<KeySet> {
    const { jwks_uri: uri } = await this.metadata.get();
    const call = new ProviderCall(this.clock, {
      timeoutMs: this.options.provider.timeout * 1000,
      maxBytes: MAX_KEYS_BYTES,
    });
    await call.fetch(uri ?? '', {
      method: 'GET',
      headers: { accept: 'application/json' },
      body: null,
      redirect: 'manual',
    });
    const keys = usableKeys(call);
    this.current = { find: createLocalJWKSet(keys) as unknown as KeySet['find'], fetchedAt: this.clock.now() };
    return this.current;
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
