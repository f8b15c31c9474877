import type { JWTVerifyOptions, JWTVerifyResult } from 'jose';
import { OidcError } from '../common/errors.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { parseJsonObject } from './json-object.js';
import { loadJose } from './protocol.js';
import type { FindKey } from './provider-keys.js';

/** The longest token of the provider that is looked at. Characters. */
export const MAX_JWT_LENGTH = 64 * 1024;

const MAX_IDENTIFIER_LENGTH = 255;
const CONTROL = /\p{Cc}/u;

export interface JwtChecks {
  readonly options: ResolvedOptions;
  /** Epoch milliseconds. */
  readonly now: number;
  /** How long ago the token may have been issued. Seconds. */
  readonly maxAge: number;
  readonly findKey: FindKey;
}

/**
 * Verifies what is the same for every token of the provider: signature, `alg`, `iss`, `aud`, `exp`, `nbf`, `iat`.
 *
 * @throws `Invalid`, with the name of the check that failed; errors of `findKey` that are ours as they are
 */
export async function verifyJwt(
  jwt: string,
  { options, now, maxAge, findKey }: JwtChecks,
  Invalid: new (detail: string, cause: unknown) => OidcError,
): Promise<JWTVerifyResult> {
  const rules: JWTVerifyOptions = {
    algorithms: [...options.idToken.signingAlgorithms],
    issuer: options.issuer,
    audience: options.clientId,
    clockTolerance: options.idToken.clockTolerance,
    maxTokenAge: maxAge,
    requiredClaims: ['exp'],
    currentDate: new Date(now),
  };
  const { base64url, errors, jwtVerify } = await loadJose();
  try {
    const verified = await jwtVerify(jwt, findKey, rules);
    if (!parseJsonObject(base64url.decode(jwt.split('.', 2)[1] ?? ''))) throw new Invalid('payload', undefined);
    return verified;
  } catch (error) {
    if (error instanceof OidcError) throw error;
    throw new Invalid(detailOf(error, errors), error);
  }
}

function detailOf(error: unknown, errors: typeof import('jose').errors): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) return error.claim;
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) return 'alg';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return 'key';
  return 'signature';
}

/** Whether the `typ` header is not that of another class of token (RFC 8725 §3.11). `jose` does not check that it is text. */
export function isOfType(typ: unknown, types: ReadonlySet<string>): boolean {
  return typ === undefined || (typeof typ === 'string' && types.has(typ.toLowerCase()));
}

/** Whether a token is for this client, and for nobody else who is not trusted (OpenID Connect Core 1.0 §3.1.3.7). */
export function isForClient(aud: unknown, { clientId, idToken }: ResolvedOptions): boolean {
  const audiences: readonly unknown[] = [aud].flat();
  const allowed: ReadonlySet<unknown> = new Set([clientId, ...idToken.trustedAudiences]);
  return (
    audiences.includes(clientId) &&
    audiences.every((audience) => allowed.has(audience)) &&
    new Set(audiences).size === audiences.length
  );
}

/** Whether a claim can name a user or a session: `sub` (OpenID Connect Core 1.0 §2), `sid`. */
export function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_IDENTIFIER_LENGTH && !CONTROL.test(value);
}
