/** How long the provider takes for a token request. */
export const LATENCY_MS = 50;

const LIFETIME_MS = 3_600_000;

/** How long an access token in each state is good yet: less than the leeway of 5 minutes makes it due. */
const REMAINING_MS = { expired: -1000, due: 60_000, fresh: LIFETIME_MS };

/** The same tokens as if they had been issued so long ago that the access token is in this state now. */
export function agedTokens(tokens, state) {
  const expiresAt = Date.now() + REMAINING_MS[state];
  return { ...tokens, issuedAt: expiresAt - LIFETIME_MS, expiresAt };
}
