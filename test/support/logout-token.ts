import { randomUUID } from 'node:crypto';
import type { IdTokenParts, ScriptedProvider } from './scripted-provider.js';
import { compactJws, signatureBy } from './signing-keys.js';
import { CLIENT_ID } from './test-provider.js';

/** The member of `events` that makes a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4). */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** A logout token as an honest provider makes it for {@link ScriptedProvider.sub}; everything may be bent before it is signed. */
export function logoutToken(
  provider: ScriptedProvider,
  bend: (parts: IdTokenParts) => IdTokenParts = (parts) => parts,
): string {
  const [key] = provider.keys;
  if (!key) throw new Error('This provider has no key to sign with.');
  const now = Math.floor(Date.now() / 1000);
  const { header, claims, signature } = bend({
    header: { alg: key.alg, kid: key.kid, typ: 'logout+jwt' },
    claims: {
      iss: provider.issuer,
      sub: provider.sub,
      aud: CLIENT_ID,
      iat: now,
      exp: now + 120,
      jti: randomUUID(),
      events: { [LOGOUT_EVENT]: {} },
    },
    signature: signatureBy(key),
  });
  return compactJws(header, claims, signature);
}
