import type { TokenSet } from './token-set.js';

/** What became of one refresh request. Every outcome is expected, so each is a value. */
export type RefreshAnswer =
  /** New tokens; what the provider left out is `undefined` and stays as it was. */
  | { readonly outcome: 'refreshed'; readonly tokens: TokenSet }
  /** `invalid_grant` (RFC 6749 §5.2): this refresh token is no good any more. */
  | { readonly outcome: 'refused' }
  /** The provider refuses this client or this request, not the user: somebody has to mend the configuration. */
  | { readonly outcome: 'misconfigured'; readonly reason: string }
  /** Network, timeout, 408, 429, 5xx, or an answer that makes no sense. */
  | { readonly outcome: 'transient'; readonly reason: string; readonly retryAfterMs: number | undefined }
  /** Too late: `sendBefore` had passed before the request could be sent, and nothing was. */
  | { readonly outcome: 'not_sent' }
  /** Tokens for somebody else, or an ID token that breaks OpenID Connect Core 1.0 §12.2: a security event. */
  | { readonly outcome: 'identity_rejected'; readonly reason: string; readonly refreshToken: string | undefined };

/** Claims of the original ID token that a refreshed one must repeat (OpenID Connect Core 1.0 §12.2). */
export interface OriginalIdentity {
  readonly sub: string;
  readonly authTime: number | undefined;
  readonly azp: string | undefined;
  readonly nonce: string | undefined;
}
