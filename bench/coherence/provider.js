import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

const CLIENT = { clientId: 'bench-client', clientSecret: 'kF3_a-client-secret-for-the-bench-0Qz8' };

/**
 * As much of a provider as sessions need whose logins are over: it renews every token, and tells of logouts. Each access
 * token is another one.
 */
export async function startProvider() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' }];
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answers[new URL(request.url, issuer).pathname]?.() ?? {}));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const answers = {
    '/.well-known/openid-configuration': () => ({
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      backchannel_logout_supported: true,
    }),
    '/jwks': () => ({ keys }),
    '/token': () => ({
      access_token: randomUUID(),
      refresh_token: randomUUID(),
      token_type: 'Bearer',
      expires_in: 3600,
    }),
  };
  return {
    options: { issuer, ...CLIENT },
    logoutToken: (sub) => logoutToken({ issuer, sub, privateKey }),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** OpenID Connect Back-Channel Logout 1.0 §2.4. */
function logoutToken({ issuer, sub, privateKey }) {
  const iat = Math.floor(Date.now() / 1000);
  const header = { alg: 'RS256', kid: 'bench', typ: 'logout+jwt' };
  const claims = {
    iss: issuer,
    sub,
    aud: CLIENT.clientId,
    iat,
    exp: iat + 120,
    jti: randomUUID(),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}
