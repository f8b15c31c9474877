import type { Claims } from 'nest-oidc';

/** What to call a user, from the claims that the provider chose to send. */
export function userName(user: Claims): string {
  const candidates = [user['name'], user['preferred_username'], user['email']];
  return String(candidates.find((claim) => typeof claim === 'string' && claim !== '') ?? user.sub);
}
