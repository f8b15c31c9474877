import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { JWTPayload } from 'jose';
import type { Claims } from '../common/claims.js';
import { CLOCK, type Clock } from '../common/clock.js';
import { sameText } from '../common/same-text.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { isForClient, isIdentifier, isOfType, MAX_JWT_LENGTH, verifyJwt, type JwtChecks } from './jwt-rules.js';
import { IdTokenInvalidError, ProviderFaultError } from './provider-errors.js';
import { ProviderKeys } from './provider-keys.js';

const MAX_CLAIMS = 500;
const MAX_AGE_SECONDS = 600;
const TYPES: ReadonlySet<string> = new Set(['jwt', 'id_token+jwt']);

export interface IdTokenChecks {
  readonly accessToken: string;
  readonly nonce: string | undefined;
  /** The earliest `auth_time` that will do, when `max_age` was sent. Epoch milliseconds. */
  readonly authenticatedSince: number | undefined;
}

/**
 * Validates ID tokens in full: the signature always, although OpenID Connect Core 1.0 §3.1.3.7 lets a token that came over
 * TLS skip it, and everything that `openid-client` leaves to its caller.
 */
@Injectable()
export class IdTokenValidator {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ProviderKeys) private readonly keys: ProviderKeys,
  ) {}

  /**
   * @throws IdTokenInvalidError naming the check that failed
   * @throws ProviderUnreachableError when the keys cannot be fetched
   */
  async validate(idToken: string, checks: IdTokenChecks): Promise<Claims> {
    if (idToken.length > MAX_JWT_LENGTH) throw new IdTokenInvalidError('size');
    const { payload, protectedHeader } = await verifyJwt(idToken, this.rules(), IdTokenInvalidError);
    if (!isOfType(protectedHeader.typ, TYPES)) throw new IdTokenInvalidError('typ');
    this.checkClaims(payload);
    this.checkAuthTime(payload, checks.authenticatedSince);
    if (checks.nonce !== undefined && !sameText(payload['nonce'], checks.nonce)) throw new IdTokenInvalidError('nonce');
    if (!matchesHash(payload['at_hash'], checks.accessToken, protectedHeader.alg)) {
      throw new IdTokenInvalidError('at_hash');
    }
    return payload as Claims;
  }

  private rules(): JwtChecks {
    return {
      options: this.options,
      now: this.clock.now(),
      maxAge: MAX_AGE_SECONDS,
      findKey: this.keys.find,
    };
  }

  private checkClaims(claims: JWTPayload): void {
    const { clientId } = this.options;
    if (!isIdentifier(claims.sub)) throw new IdTokenInvalidError('sub');
    if (!isForClient(claims.aud, this.options)) throw new IdTokenInvalidError('aud');
    if (claims['azp'] !== undefined && claims['azp'] !== clientId) throw new IdTokenInvalidError('azp');
    // A token about events is a logout or security event token (RFC 8417), not an ID token.
    if (claims['events'] !== undefined) throw new IdTokenInvalidError('events');
    if (Object.keys(claims).length > MAX_CLAIMS) throw new IdTokenInvalidError('size');
  }

  private checkAuthTime(claims: JWTPayload, since: number | undefined): void {
    if (since === undefined) return;
    const authTime = claims['auth_time'];
    const now = this.clock.now() / 1000;
    const tolerance = this.options.idToken.clockTolerance;
    if (typeof authTime !== 'number' || authTime < since / 1000 - tolerance || authTime > now + tolerance) {
      throw new IdTokenInvalidError('auth_time');
    }
  }
}

/**
 * Until when the provider lets the session last, in epoch milliseconds (`session_expiry`: OpenID Foundation, IPSIE SL1 OpenID
 * Connect Profile). `undefined` when it does not say: what is no point in time since 2001 is another claim of that name.
 */
export function sessionExpiryOf({ session_expiry: seconds }: Readonly<Record<string, unknown>>): number | undefined {
  return typeof seconds === 'number' && seconds >= 1e9 ? seconds * 1000 : undefined;
}

/** Claims that say what an ID token is; UserInfo must not overwrite them (OpenID Connect Core 1.0 §5.3.2). */
const PROTOCOL_CLAIMS: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'auth_time',
  'acr',
  'amr',
  'azp',
  'sid',
  'session_expiry',
  'at_hash',
  'c_hash',
  's_hash',
  'events',
  '__proto__',
]);

/** The ID token's claims with those of UserInfo added. */
export function withUserInfo(claims: Claims, userInfo: Readonly<Record<string, unknown>>): Claims {
  const additions = Object.entries(userInfo).filter(([name]) => !PROTOCOL_CLAIMS.has(name));
  if (additions.length > MAX_CLAIMS) {
    throw new ProviderFaultError('userinfo_invalid', 'The UserInfo response has too many claims.', { detail: 'size' });
  }
  return { ...claims, ...Object.fromEntries(additions) } as Claims;
}

/** `at_hash`, when it is there: the left half of the access token's hash (OpenID Connect Core 1.0 §3.1.3.6). */
function matchesHash(atHash: unknown, accessToken: string, algorithm: string): boolean {
  if (atHash === undefined) return true;
  const digest = createHash(algorithm.startsWith('Ed') ? 'sha512' : `sha${algorithm.slice(2)}`)
    .update(accessToken)
    .digest();
  return atHash === digest.subarray(0, digest.length / 2).toString('base64url');
}
