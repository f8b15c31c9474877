import type { TokenSet } from './token-set.js';

/** What became of one refresh request. Every outcome is expected, so each is a value. */
export type RefreshAnswer =
  /** New tokens; what the provider left out is `undefined` and stays as it was. */
  | {
      readonly outcome: 'refreshed';
      readonly tokens: TokenSet;
      /** Until when the provider lets the session last, where the new ID token says so. Epoch milliseconds. */
      readonly sessionExpiresAt?: number | undefined;
    }
  /** `invalid_grant` (RFC 6749 §5.2): this refresh token is no good any more. */
  | { readonly outcome: 'refused' }
  /** The provider refuses this client or this request, not the user: somebody has to mend the configuration. */
  | { readonly outcome: 'misconfigured'; readonly reason: string }
  /** The provider wants to ask the user something first ({@link USER_REQUIRED}): no outage, and no end of the session. */
  | { readonly outcome: 'user_required'; readonly reason: string }
  /** Network, timeout, 408, 429, 5xx, or an answer that makes no sense. `reached`: it is about this refresh alone. */
  | {
      readonly outcome: 'transient';
      readonly reason: string;
      readonly retryAfterMs: number | undefined;
      readonly reached?: boolean;
    }
  /** Too late: `sendBefore` had passed before the request could be sent, and nothing was. */
  | { readonly outcome: 'not_sent' }
  /** Tokens for somebody else, or an ID token that breaks OpenID Connect Core 1.0 §12.2: a security event. */
  | { readonly outcome: 'identity_rejected'; readonly reason: string; readonly refreshToken: string | undefined };

/**
 * By what a provider asks for the user, which only a login can mend (OpenID Connect Core 1.0 §3.1.2.6). Entra ID answers a
 * refresh so where its policies want another factor.
 */
export const USER_REQUIRED: ReadonlySet<string> = new Set([
  'interaction_required',
  'login_required',
  'consent_required',
]);

/** Claims of the original ID token that a refreshed one must repeat (OpenID Connect Core 1.0 §12.2). */
export interface OriginalIdentity {
  readonly sub: string;
  readonly authTime: number | undefined;
  readonly azp: string | undefined;
  readonly nonce: string | undefined;
}
