import { hash } from 'node:crypto';
import { cookieValues } from '../common/cookie-header.js';

const FORMAT = /^[\w-]{43}$/u;

/**
 * What the browser's cookie says: a session token (256 random bits in base64url); `undefined` for none or one that this
 * library cannot have issued, which never reaches the store; `'duplicate'` for more than one, a sign of cookie tossing.
 */
export function sessionTokenOf(cookieHeader: string | undefined, cookieName: string): string | undefined {
  const values = cookieValues(cookieHeader, cookieName);
  const [token] = values;
  if (values.length > 1) return 'duplicate';
  return token !== undefined && FORMAT.test(token) ? token : undefined;
}

/** The session's id: a hash, so that neither a log line nor a dump of the store opens a session. */
export function sessionIdOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
