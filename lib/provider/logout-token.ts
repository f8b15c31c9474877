import { Inject, Injectable } from '@nestjs/common';
import type { JWTPayload, ProtectedHeaderParameters } from 'jose';
import { CLOCK, type Clock } from '../common/clock.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { isForClient, isIdentifier, isOfType, MAX_JWT_LENGTH, verifyJwt } from './jwt-rules.js';
import { loadJose } from './protocol.js';
import { LogoutTokenInvalidError } from './provider-errors.js';
import { ProviderKeys } from './provider-keys.js';

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/u;
/** Many providers, and the certification suite, sign logout tokens as `JWT`: the explicit type is a recommendation only. */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'logout+jwt']);
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MAX_AGE_SECONDS = 300;

/** Whom a provider logged out: one session (`sid`), a user (`sub`), or a session of that user (both). */
export interface LogoutToken {
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  readonly jti: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
}

interface Unverified {
  readonly header: ProtectedHeaderParameters;
  readonly claims: JWTPayload;
}

/** Validates logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6). Whether one was seen before is not asked here. */
@Injectable()
export class LogoutTokenValidator {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ProviderKeys) private readonly keys: ProviderKeys,
  ) {}

  /**
   * @throws LogoutTokenInvalidError naming the check that failed
   * @throws ProviderUnreachableError, ProviderFaultError when the keys cannot be had: whether it is valid is not known
   */
  async validate(logoutToken: string): Promise<LogoutToken> {
    if (logoutToken.length > MAX_JWT_LENGTH) throw new LogoutTokenInvalidError('size');
    // Anyone can send one: everything that needs no key is checked before a key is asked for.
    const failed = this.failedRule(await decode(logoutToken));
    if (failed !== undefined) throw new LogoutTokenInvalidError(failed);
    return asLogoutToken(await this.verify(logoutToken));
  }

  /** The name of a rule that the token breaks, if it breaks one. */
  private failedRule({ header, claims }: Unverified): string | undefined {
    const { sub } = claims;
    const { sid, events, nonce } = claims as Readonly<Record<string, unknown>>;
    const rules: readonly (readonly [name: string, holds: boolean])[] = [
      // No extension is understood here. That of RFC 7797 would make the payload mean something else.
      ['format', header.crit === undefined],
      ['alg', this.options.idToken.signingAlgorithms.includes(header.alg ?? '')],
      ['typ', isOfType(header.typ, TYPES)],
      ['iss', claims.iss === this.options.issuer],
      ['aud', isForClient(claims.aud, this.options)],
      ['iat', Number.isFinite(claims.iat)],
      ['exp', Number.isFinite(claims.exp)],
      ['jti', typeof claims.jti === 'string' && claims.jti !== ''],
      ['events', isObject(events) && isObject(events[EVENT])],
      // An ID token has a nonce: what has one must not pass for a logout token, be it `null`.
      ['nonce', nonce === undefined],
      ['sub', sub === undefined ? sid !== undefined : isIdentifier(sub)],
      ['sid', sid === undefined || isIdentifier(sid)],
    ];
    return rules.find(([, holds]) => !holds)?.[0];
  }

  private async verify(logoutToken: string): Promise<JWTPayload> {
    const checks = {
      options: this.options,
      now: this.clock.now(),
      maxAge: MAX_AGE_SECONDS,
      findKey: this.keys.findForAnyone,
    };
    return (await verifyJwt(logoutToken, checks, LogoutTokenInvalidError)).payload;
  }
}

async function decode(logoutToken: string): Promise<Unverified> {
  if (!COMPACT_JWS.test(logoutToken)) throw new LogoutTokenInvalidError('format');
  const { decodeJwt, decodeProtectedHeader } = await loadJose();
  try {
    return { header: decodeProtectedHeader(logoutToken), claims: decodeJwt(logoutToken) };
  } catch (error) {
    throw new LogoutTokenInvalidError('format', error);
  }
}

/** Of claims that have passed every rule. */
function asLogoutToken(claims: JWTPayload): LogoutToken {
  const { sub, sid, jti, iat } = claims as { sub?: string; sid?: string; jti: string; iat: number };
  return { sub, sid, jti, issuedAt: Math.floor(iat * 1000) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
