/** JSON as claims carry it. */
export type ClaimValue =
  string | number | boolean | null | readonly ClaimValue[] | { readonly [name: string]: ClaimValue };

/** Validated claims about the user: those of the ID token, and of UserInfo where it is asked. */
export interface Claims {
  /** Issuer. With `sub` the identity of the user; neither alone is (OpenID Connect Core 1.0 §5.7). */
  readonly iss: string;
  /** Subject: the user, unique at the issuer. */
  readonly sub: string;
  /** Not an identity: it changes hands, and may be unverified (`email_verified`). */
  readonly email?: string;
  readonly name?: string;
  /** The provider's own session. */
  readonly sid?: string;
  readonly [name: string]: ClaimValue | undefined;
}

/** The standard claims about a user (OpenID Connect Core 1.0 §5.1): what `publicClaims` is unless it is set. */
export const STANDARD_CLAIMS: readonly string[] = Object.freeze([
  'sub',
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'email',
  'email_verified',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  'phone_number_verified',
  'address',
  'updated_at',
]);

/** A frozen copy of claims that are frozen all the way down. Made for every request. */
export function copyOfClaims(claims: Claims): Claims {
  // To spread a frozen object takes up to ten times as long; but to assign `__proto__` does not copy it.
  return Object.freeze(Object.hasOwn(claims, '__proto__') ? { ...claims } : Object.assign({}, claims));
}

/** Freezes a value that came from JSON, all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
