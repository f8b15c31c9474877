import { createHash } from 'node:crypto';

/**
 * What a session holds: 2.2 KB of JSON, as a provider of medium talkativeness makes it. Both tokens are JWTs of the shape
 * that providers issue (RFC 9068, OpenID Connect Core 1.0 §2); what is random in them, always the same.
 */
const random = (bytes, seed) => createHash('shake256', { outputLength: bytes }).update(seed).digest('base64url');

const jwt = (header, payload) =>
  [
    ...[header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')),
    random(256, header.typ),
  ].join('.');

const KEY_ID = random(6, 'key');

/** Who is logged in. */
export const SUB = '248289761001';

/** What a browser sends with each request, whether or not anybody looks at it. */
export const COOKIE = `__Host-sid=${random(32, 'cookie')}`;

export const claims = (issuer) => ({
  iss: issuer,
  sub: SUB,
  aud: 'bench-client',
  sid: random(24, 'sid'),
  name: 'Jane Doe',
  given_name: 'Jane',
  family_name: 'Doe',
  email: 'janedoe@example.com',
  email_verified: true,
  roles: ['user', 'editor', 'orders:read', 'orders:write'],
  iat: Math.floor(Date.now() / 1000),
  exp: Math.floor(Date.now() / 1000) + 3600,
  auth_time: Math.floor(Date.now() / 1000),
  nonce: random(32, 'nonce'),
});

/** The tokens of a login of this user, issued just now. */
export const tokens = (user, now = Date.now()) => ({
  accessToken: jwt({ alg: 'RS256', typ: 'at+jwt', kid: KEY_ID }, accessTokenClaims(now, user)),
  tokenType: 'Bearer',
  issuedAt: now,
  expiresAt: now + 86_400_000,
  refreshToken: random(32, 'refresh token'),
  idToken: jwt({ alg: 'RS256', typ: 'JWT', kid: KEY_ID }, user),
  scope: 'openid profile email offline_access',
});

const accessTokenClaims = (now, { iss, sub }) => ({
  iss,
  sub,
  aud: 'https://api.example',
  client_id: 'bench-client',
  iat: Math.floor(now / 1000),
  exp: Math.floor(now / 1000) + 86_400,
  jti: random(16, 'jti'),
});
