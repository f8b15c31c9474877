import { hash } from 'node:crypto';
import { cookieValues } from '../common/cookie-header.js';

const LENGTH = 43;
const FORMAT = /^[\w-]{43}$/u;

/**
 * What the browser's cookie says: a session token (256 random bits in base64url); `undefined` for none or one that this
 * library cannot have issued, which never reaches the store; `'duplicate'` for more than one, a sign of cookie tossing.
 */
export function sessionTokenOf(cookieHeader: string | undefined, cookieName: string): string | undefined {
  const token = likelyTokenOf(cookieHeader, cookieName);
  return token === 'duplicate' || (token !== undefined && isSessionToken(token)) ? token : undefined;
}

/** The same for who knows tokens: one that is unknown must be an {@link isSessionToken} before anything is done with it. */
export function likelyTokenOf(cookieHeader: string | undefined, cookieName: string): string | undefined {
  const values = cookieValues(cookieHeader, cookieName);
  const [token] = values;
  if (values.length > 1) return 'duplicate';
  return token?.length === LENGTH ? token : undefined;
}

/** Whether this library can have issued it. */
export function isSessionToken(candidate: string): boolean {
  return FORMAT.test(candidate);
}

/** The session's id: a hash, so that neither a log line nor a dump of the store opens a session. */
export function sessionIdOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
