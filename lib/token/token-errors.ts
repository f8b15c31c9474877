import { OidcError, type OidcErrorCode } from '../common/errors.js';

/**
 * The access token has expired and cannot be refreshed right now. The session is kept: 503 with `Retry-After`, and it
 * works again by itself. `refresh_misconfigured`: the provider refuses this client, somebody has to mend it.
 */
export class RefreshUnavailableError extends OidcError {
  readonly statusCode = 503;

  constructor(
    readonly code: Extract<OidcErrorCode, 'refresh_transient' | 'refresh_misconfigured'>,
    reason: string,
    retryAfterMs: number,
  ) {
    super(`The access token has expired and cannot be refreshed now (${reason}).`, {
      detail: reason,
      retryAfter: Math.max(1, Math.ceil(retryAfterMs / 1000)),
    });
  }
}
