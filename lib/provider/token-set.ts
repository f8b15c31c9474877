/** What a provider issued for one session. Points in time are epoch milliseconds. */
export interface TokenSet {
  /** Opaque: never decoded for identity (OWASP ASVS 9.2.2). */
  readonly accessToken: string;
  /** As the provider spelt it, `Bearer` as a rule. */
  readonly tokenType: string;
  /** `undefined` when the provider did not say (RFC 6749 §5.1: `expires_in` is only recommended). */
  readonly expiresAt: number | undefined;
  /** When the access token was received: with `expiresAt` its lifetime. */
  readonly issuedAt: number;
  readonly refreshToken: string | undefined;
  /** Where the provider states it (`refresh_expires_in`, `refresh_token_expires_in`). */
  readonly refreshTokenExpiresAt: number | undefined;
  readonly idToken: string | undefined;
  readonly scope: string | undefined;
}
