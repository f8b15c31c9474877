/** What a session holds: 2.2 KB of JSON, as a provider of medium talkativeness makes it. */
const text = (length, seed) =>
  Array.from(
    { length },
    (_, index) =>
      'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_'[
        (index * 37 + seed * 11 + ((index * index) % 61)) % 64
      ],
  ).join('');

/** Who is logged in. */
export const SUB = '248289761001';

/** What a browser sends with each request, whether or not anybody looks at it. */
export const COOKIE = `__Host-sid=${text(43, 6)}`;

export const claims = (issuer) => ({
  iss: issuer,
  sub: SUB,
  aud: 'bench-client',
  sid: text(32, 1),
  name: 'Jane Doe',
  given_name: 'Jane',
  family_name: 'Doe',
  preferred_username: 'j.doe',
  email: 'janedoe@example.com',
  email_verified: true,
  locale: 'en-GB',
  roles: ['user', 'editor', 'orders:read', 'orders:write'],
  iat: Math.floor(Date.now() / 1000),
  exp: Math.floor(Date.now() / 1000) + 3600,
  auth_time: Math.floor(Date.now() / 1000),
  nonce: text(43, 2),
});

export const tokens = (now) => ({
  accessToken: text(700, 3),
  tokenType: 'Bearer',
  issuedAt: now,
  expiresAt: now + 86_400_000,
  refreshToken: text(64, 4),
  idToken: text(800, 5),
  scope: 'openid profile email offline_access',
});
