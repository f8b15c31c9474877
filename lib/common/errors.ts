import { inspect } from 'node:util';

/** Every stable error code of the library. Safe to log, to count and to show: never text from outside. */
export type OidcErrorCode =
  | 'config_invalid'
  | 'login_required'
  | 'csrf_rejected'
  | 'access_denied'
  | 'navigation_required'
  | 'request_invalid'
  | 'context_unsupported'
  | 'store_unavailable'
  | 'provider_unreachable'
  | 'provider_metadata_invalid'
  | 'client_auth_failed'
  | 'pushed_request_failed'
  | 'token_request_failed'
  | 'token_response_invalid'
  | 'response_too_large'
  | 'id_token_invalid'
  | 'logout_token_invalid'
  | 'userinfo_invalid'
  | 'refresh_refused'
  | 'refresh_transient'
  | 'refresh_misconfigured'
  | 'subject_changed'
  | 'state_missing'
  | 'state_mismatch'
  | 'transaction_missing'
  | 'transaction_invalid'
  | 'transaction_expired'
  | 'transaction_used'
  | 'provider_mismatch'
  | 'iss_missing'
  | 'iss_mismatch'
  | 'duplicate_parameter'
  | 'unexpected_parameter'
  | 'code_missing'
  | 'logged_out'
  | 'op_error'
  | 'login_refused'
  | 'login_unavailable';

export interface OidcErrorOptions {
  /** The original error. Kept out of enumerable fields: libraries below put tokens into theirs. */
  readonly cause?: unknown;
  /**
   * What exactly failed, e.g. `signature` or `nonce`. One of our own words, or the name of an application's error; never text
   * from outside.
   */
  readonly detail?: string;
  /** Seconds after which trying again makes sense. Sent as `Retry-After`. */
  readonly retryAfter?: number;
}

/**
 * Base of every error the library throws. `code` is stable; `statusCode` is the HTTP answer. `status` and `expose` say it in
 * the way of `http-errors`, which Nest's own exception filter honours, so that an application without our filter answers the
 * same.
 */
export abstract class OidcError extends Error {
  abstract readonly code: OidcErrorCode;
  abstract readonly statusCode: number;
  readonly detail?: string;
  readonly retryAfter?: number;

  constructor(message: string, options: OidcErrorOptions = {}) {
    super(message);
    this.name = new.target.name;
    if (options.detail !== undefined) this.detail = options.detail;
    if (options.retryAfter !== undefined) this.retryAfter = options.retryAfter;
    if (options.cause !== undefined) {
      Object.defineProperty(this, 'cause', { value: options.cause, enumerable: false });
    }
  }

  get status(): number {
    return this.statusCode;
  }

  /** Whether the message may be shown: it is the library's own, never text from outside. */
  get expose(): boolean {
    return true;
  }

  /** What `console` and loggers print. Node would print the cause with all its fields, enumerable or not. */
  [inspect.custom](): string {
    return `${this.stack ?? this.message} ${inspect({ ...this })}`;
  }
}

/** The options cannot be used. Thrown at start, once, with every problem in the message. */
export class OidcConfigurationError extends OidcError {
  readonly code = 'config_invalid';
  readonly statusCode = 500;

  constructor(readonly problems: readonly string[]) {
    super(`The options of OidcModule cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** Nobody is logged in, or the session has just ended: a page is redirected to login, an API call gets 401. */
export class LoginRequiredError extends OidcError {
  readonly code = 'login_required';
  readonly statusCode = 401;
}

/** A state-changing request that came from another origin (OWASP ASVS 3.5.1). Nothing was changed. */
export class CrossOriginRequestError extends OidcError {
  readonly code = 'csrf_rejected';
  readonly statusCode = 403;
}

/** The session store did not answer or failed. The session may well be alive: 503, and the cookie is kept. */
export class StoreUnavailableError extends OidcError {
  readonly code = 'store_unavailable';
  readonly statusCode = 503;

  constructor(cause: unknown) {
    super('The session store is not available; try again shortly.', { cause, retryAfter: 1 });
  }
}

/** Login and callback answer top-level navigations only: not HEAD, prefetches, or requests of scripts and images. */
export class NavigationRequiredError extends OidcError {
  readonly code = 'navigation_required';
  readonly statusCode = 400;

  constructor() {
    super('This address is for a browser’s own navigation; open it as a page.');
  }
}

/** What makes a handler one that the guard can judge. */
const CONTEXT_CURES: Readonly<Record<string, string>> = {
  graphql: 'hand the request on in the context: `context: ({ req }) => ({ req })`',
  ws: 'use the OidcIoAdapter of nest-oidc/socket.io or the OidcWsAdapter of nest-oidc/ws',
};

/** A guard was asked about something it cannot judge, e.g. a message of a microservice. Refused, never let through. */
export class UnsupportedContextError extends OidcError {
  readonly code = 'context_unsupported';
  readonly statusCode = 403;

  constructor(type: string) {
    const cure = CONTEXT_CURES[type];
    super(
      `AuthGuard cannot protect a handler of type ${type}; ${cure === undefined ? '' : `${cure}, or `}` +
        'mark it @Public() and protect it by other means.',
    );
  }
}
