// The provider of a burst: rotation, and a spent refresh token that comes again revokes the grant. Whoever comes is logged
// in. A token request takes LATENCY_MS longer: half of it before the token is spent, half of it after.
import '../../test/support/quiet.js';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Provider } from 'oidc-provider';
import { answer } from './answer.js';
import { LATENCY_MS } from './settings.js';

const SUB = '248289761001';
const SCOPE = 'openid profile email offline_access';

const server = createServer();
const underWay = new Set();
let seen = nothing();

answer({
  /** Answers the options for `OidcModule`. */
  start: async ({ redirectUri }) => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const client = { clientId: 'bench-client', clientSecret: 'kF3_a-client-secret-for-the-bench-0Qz8' };
    const provider = createProvider(issuer, client, redirectUri);
    const handle = provider.callback();
    server.on('request', (request, response) => {
      if (request.url.startsWith('/interaction/'))
        return provider.interactionFinished(request, response, { login: { accountId: SUB } });
      return request.url === '/token' ? slowly(handle, request, response) : handle(request, response);
    });
    return { issuer, ...client };
  },
  /** What has come since it was last asked, once all of it is answered. */
  report: async () => {
    while (underWay.size > 0) await Promise.all(underWay);
    const report = seen;
    seen = nothing();
    return report;
  },
});

function nothing() {
  return { tokenRequests: 0, refused: 0, reused: 0, ms: [] };
}

async function slowly(handle, request, response) {
  const arrivedAt = performance.now();
  seen.tokenRequests += 1;
  const closed = once(response, 'close');
  underWay.add(closed);
  response.once('close', () => {
    seen.ms.push(performance.now() - arrivedAt);
    underWay.delete(closed);
  });
  await pause(LATENCY_MS / 2);
  holdAnswer(response, pause(LATENCY_MS / 2));
  await handle(request, response);
}

function holdAnswer(response, until) {
  const end = response.end.bind(response);
  response.end = (...args) => {
    void until.then(() => end(...args));
    return response;
  };
}

function createProvider(issuer, { clientId, clientSecret }, redirectUri) {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [redirectUri],
      },
    ],
    cookies: { keys: ['bench'] },
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: () => ({
      accountId: SUB,
      claims: () => ({ sub: SUB, name: 'Jane Doe', email: 'janedoe@example.com', email_verified: true }),
    }),
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId, accountId: SUB });
      grant.addOIDCScope(SCOPE);
      await grant.save();
      return grant;
    },
  });
  provider.on('grant.error', (_context, { error_detail: detail }) => {
    seen.refused += 1;
    if (detail === 'refresh token already used') seen.reused += 1;
  });
  return provider;
}
