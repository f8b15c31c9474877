import type { Session } from '../session/session.js';

const CURRENT_SESSION = Symbol('nest-oidc:current-session');

interface WithSession {
  [CURRENT_SESSION]?: Session;
  /** Where Nest applications look for the user. */
  user?: unknown;
}

/** What the guard found out about a request, for decorators, which have nothing injected. */
export function setCurrentSession(request: object, session: Session): void {
  const target = request as WithSession;
  target[CURRENT_SESSION] = session;
  target.user = session.claims;
}

export function currentSession(request: object): Session | undefined {
  return (request as WithSession)[CURRENT_SESSION];
}
