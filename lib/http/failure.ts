import { LoginRequiredError, type OidcError, type OidcErrorCode } from '../common/errors.js';
import type { EventLog, OidcEvent } from '../common/events.js';
import { correlationId as newCorrelationId } from '../common/random.js';
import type { Session } from '../session/session.js';

/** What clients of other transports than HTTP are told of an error: its code, and where to look for it in the log. */
export interface Failure {
  readonly status: 'error';
  readonly message: OidcErrorCode;
  readonly correlationId: string;
}

/** Makes it known, unless it is no more than that somebody must log in. */
export function tellFailure(error: OidcError, events: EventLog, session?: Session): Failure {
  const correlationId = newCorrelationId();
  if (!(error instanceof LoginRequiredError)) events.emit(failureEvent(error, correlationId, session));
  return { status: 'error', message: error.code, correlationId };
}

/** What is told of an error that is answered with this correlation id. */
export function failureEvent(
  { code, detail = code, statusCode }: OidcError,
  correlationId: string,
  session?: Session,
): OidcEvent {
  const name = statusCode === 503 ? 'request.unavailable' : 'request.failed';
  const user = session ? { session: session.id, sub: session.sub } : {};
  return { name, code, correlationId, reason: detail, ...user };
}
