import type { SessionHead } from '../session/session.js';

/**
 * `fresh`: nothing to do. `due`: still usable, and time to refresh it. `expired`: not usable any more. A token whose
 * lifetime the provider did not state is `fresh`: only the API that gets it can tell.
 */
export type TokenAge = 'fresh' | 'due' | 'expired';

const LONGEST_MARGIN_MS = 3000;
const SPREAD = 0.05;

/** How old a session's access token is, with the leeway cut to a third of its lifetime. */
export function tokenAge(head: SessionHead, sessionId: string, now: number, leewayMs: number): TokenAge {
  const { issuedAt, expiresAt } = head.accessToken;
  if (expiresAt === undefined) return 'fresh';
  // Most are far from it, and this is asked for every request.
  if (now < expiresAt - leewayMs && now < expiresAt - LONGEST_MARGIN_MS) return 'fresh';
  const lifetime = expiresAt - issuedAt;
  // On its way to the API a token ages a little more.
  if (now >= expiresAt - Math.min(LONGEST_MARGIN_MS, lifetime / 10)) return 'expired';
  const leeway = Math.min(leewayMs, lifetime / 3) * spreadOf(sessionId);
  return now >= expiresAt - leeway ? 'due' : 'fresh';
}

/** A factor a few percent below 1, always the same for a session, so that sessions born together do not move in step. */
function spreadOf(sessionId: string): number {
  return 1 - (SPREAD * (sessionId.charCodeAt(0) + sessionId.charCodeAt(1) + sessionId.charCodeAt(2))) / 384;
}
