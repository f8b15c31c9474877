import { HttpException } from '@nestjs/common';
import { OidcError, type OidcErrorCode } from '../common/errors.js';

const EXPLANATIONS = {
  state_missing: 'The authorization response has no state.',
  state_mismatch: 'The authorization response belongs to another login.',
  transaction_missing: 'This browser has no login under way that the authorization response belongs to.',
  transaction_invalid: 'The login under way cannot be read.',
  transaction_expired: 'The login took too long.',
  transaction_used: 'The authorization response was used before.',
  provider_mismatch: 'The login was started with another configuration.',
  iss_missing: 'The authorization response does not name its issuer.',
  iss_mismatch: 'The authorization response comes from another issuer.',
  duplicate_parameter: 'The authorization response repeats a parameter.',
  unexpected_parameter: 'The authorization response has a parameter that the code flow does not know.',
  code_missing: 'The authorization response has no code.',
  logged_out: 'The provider has logged the user out while the login was under way.',
} as const satisfies Partial<Record<OidcErrorCode, string>>;

type CallbackFault = keyof typeof EXPLANATIONS;

/**
 * An authorization response that fails a check. No token request was sent, no session was touched; with `logged_out` the
 * tokens were received, and are revoked.
 */
export class CallbackRejectedError extends OidcError {
  readonly statusCode = 400;

  constructor(readonly code: CallbackFault) {
    super(EXPLANATIONS[code]);
  }
}

/** Error codes of RFC 6749 §4.1.2.1 and OpenID Connect Core 1.0 §3.1.2.6. Any other is reported as `other`. */
const KNOWN_ERRORS: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'invalid_request',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'login_required',
  'registration_not_supported',
  'request_not_supported',
  'request_uri_not_supported',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_response_type',
]);

/** The provider answered the authorization request with an error. Its own text goes nowhere near a user. */
export class AuthorizationRefusedError extends OidcError {
  readonly code = 'op_error';
  readonly statusCode: number;

  constructor(error: string) {
    const known = KNOWN_ERRORS.has(error) ? error : 'other';
    const statusCode = statusOf(known);
    super(`The provider refused the login (${known}).`, {
      detail: known,
      ...(statusCode === 503 && { retryAfter: 5 }),
    });
    this.statusCode = statusCode;
  }
}

/** Whether the provider could not go on without asking the user something (OpenID Connect Core 1.0 §3.1.2.6). */
export function asksForUser(error: string): boolean {
  return KNOWN_ERRORS.has(error) && error.endsWith('_required');
}

function statusOf(error: string): number {
  if (error === 'access_denied' || asksForUser(error)) return 401;
  if (error === 'temporarily_unavailable') return 503;
  return 400;
}

/** A silent login (`prompt=none`) was answered for another user than the one who was logged in. Nobody is any more. */
export class SubjectChangedError extends OidcError {
  readonly code = 'subject_changed';
  readonly statusCode = 401;

  constructor() {
    super('The provider has another user now; log in again.');
  }
}

/** The application refused the login: its `mapClaims` threw. */
export class LoginRefusedError extends OidcError {
  readonly code = 'login_refused';
  readonly statusCode = 403;

  constructor(cause: unknown) {
    super('The application refused the login.', { cause, detail: nameOf(cause) });
  }
}

/** Something that the application's `mapClaims` needs is away: it threw an `HttpException` of a status from 500 on. */
export class LoginUnavailableError extends OidcError {
  readonly code = 'login_unavailable';
  readonly statusCode = 503;

  constructor(cause: unknown) {
    super('The application cannot decide about the login now.', { cause, detail: nameOf(cause), retryAfter: 5 });
  }
}

/** What it means for a login that `mapClaims` threw. */
export function errorOfMapClaims(cause: unknown): LoginRefusedError | LoginUnavailableError {
  const isOutage = cause instanceof HttpException && cause.getStatus() >= 500;
  return isOutage ? new LoginUnavailableError(cause) : new LoginRefusedError(cause);
}

/** By which a mistake is told from a refusal, and an outage: its message may hold anything. */
function nameOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  const { name, code }: { name: unknown; code?: unknown } = cause;
  const isName = typeof name === 'string' && /^\w{1,64}$/u.test(name);
  // As Node and its libraries spell them; any other text may be somebody's data.
  const isCode = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/u.test(code);
  return [isName && name, isCode && code].filter(Boolean).join(':');
}
