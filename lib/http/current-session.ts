import type { ArgumentsHost } from '@nestjs/common';
import type { Session } from '../session/session.js';
import { callerOf } from './caller.js';

const CURRENT_SESSION = Symbol('nest-oidc:current-session');

interface WithSession {
  [CURRENT_SESSION]?: Session | undefined;
  /** Where Nest applications look for the user. */
  user?: unknown;
}

/** What was found out about a request or a socket, for decorators, which have nothing injected. */
export function setCurrentSession(owner: object, session: Session | undefined): void {
  const target = owner as WithSession;
  target[CURRENT_SESSION] = session;
  target.user = session?.claims;
}

export function currentSession(owner: object): Session | undefined {
  return (owner as WithSession)[CURRENT_SESSION];
}

/** Of whoever asks this handler, over any transport. */
export function currentSessionIn(context: ArgumentsHost): Session | undefined {
  const caller = callerOf(context);
  return caller && currentSession(caller.owner);
}
