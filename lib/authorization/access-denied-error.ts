import { OidcError } from '../common/errors.js';

/** What was missing: `public_route` is a requirement on a route that is `@Public()`, which nobody can meet. */
export type DenialReason = 'scopes' | 'roles' | 'claims' | 'public_route';

/** The user is logged in and may not do this: 403. Another login would not change it, so nobody is sent there. */
export class AccessDeniedError extends OidcError {
  readonly code = 'access_denied';
  readonly statusCode = 403;

  constructor(reason: DenialReason) {
    super(
      reason === 'public_route'
        ? 'This route is @Public() and requires something of its user; use @OptionalAuth(), or remove one of the two.'
        : `The user lacks the ${reason} that this route requires.`,
      { detail: reason },
    );
  }
}
