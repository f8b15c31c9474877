import { OidcError, type OidcErrorCode, type OidcErrorOptions } from '../common/errors.js';

/** The provider cannot be reached, is too slow, overloaded or failing. Nothing is wrong with the user: 503. */
export class ProviderUnreachableError extends OidcError {
  readonly code = 'provider_unreachable';
  readonly statusCode = 503;

  constructor(reason: string, options: OidcErrorOptions = {}) {
    super(`The OpenID Provider is not available (${reason}).`, { retryAfter: 5, detail: reason, ...options });
  }
}

type ProviderFault = Extract<
  OidcErrorCode,
  | 'provider_metadata_invalid'
  | 'token_response_invalid'
  | 'response_too_large'
  | 'userinfo_invalid'
  | 'client_auth_failed'
  | 'pushed_request_failed'
>;

/** The provider answered, and the answer breaks the protocol or refuses this client: 502. */
export class ProviderFaultError extends OidcError {
  readonly statusCode = 502;

  constructor(
    readonly code: ProviderFault,
    message: string,
    options: OidcErrorOptions = {},
  ) {
    super(message, options);
  }
}

/** The provider refused the authorization code (RFC 6749 §5.2): used, expired, or not issued to this client. */
export class CodeRefusedError extends OidcError {
  readonly code = 'token_request_failed';
  readonly statusCode = 400;
}

/** An ID token that fails a check of OpenID Connect Core 1.0 §3.1.3.7. `detail` names it. Never makes a session. */
export class IdTokenInvalidError extends OidcError {
  readonly code = 'id_token_invalid';
  readonly statusCode = 400;

  constructor(detail: string, cause?: unknown) {
    super(`The ID token is not valid (${detail}).`, { detail, cause });
  }
}

/** A logout token that fails a check of OpenID Connect Back-Channel Logout 1.0 §2.6. `detail` names it. Ends no session. */
export class LogoutTokenInvalidError extends OidcError {
  readonly code = 'logout_token_invalid';
  readonly statusCode = 400;

  constructor(detail: string, cause?: unknown) {
    super(`The logout token is not valid (${detail}).`, { detail, cause });
  }
}
