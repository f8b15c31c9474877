import type { ArgumentsHost } from '@nestjs/common';
import { sessionIn, slotOf } from '../session/request-slot.js';
import type { Session } from '../session/session.js';
import { callerOf } from './caller.js';

/** Where Nest applications look for the user. */
interface WithUser {
  user?: unknown;
}

/** What was found out about a request or a socket, for decorators, which have nothing injected. */
export function setCurrentSession(owner: object, session: Session | undefined): void {
  slotOf(owner).session = session;
  (owner as WithUser).user = session?.claims;
}

export function currentSession(owner: object): Session | undefined {
  return sessionIn(owner);
}

/**
 * The session of whoever asks this handler, as the guard has found it: over HTTP, GraphQL or a WebSocket. `undefined` for
 * visitors, and where the guard did not look: at `@Public()`, and before it has run. For guards, interceptors and filters.
 */
export function currentSessionIn(context: ArgumentsHost): Session | undefined {
  const caller = callerOf(context);
  return caller && currentSession(caller.owner);
}
