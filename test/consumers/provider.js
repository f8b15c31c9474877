import { once } from 'node:events';
import { createServer } from 'node:http';
import '../support/quiet.js';
import { Provider } from 'oidc-provider';

export const CLIENT_ID = 'consumer';
export const CLIENT_SECRET = 'a-client-secret-that-only-this-test-uses';

/** A real OpenID Provider in this process that logs in whoever comes, for applications at these addresses. */
export async function startProvider(baseUrls) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: baseUrls.map((url) => `${url}/auth/callback`),
        post_logout_redirect_uris: baseUrls.map((url) => `${url}/`),
      },
    ],
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid profile email offline_access');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 3600, Grant: 3600, IdToken: 3600, Interaction: 3600, Session: 3600 },
  });
  const handle = provider.callback();
  server.on('request', (request, response) => {
    if (!request.url.startsWith('/interaction/')) return handle(request, response);
    return provider.interactionFinished(request, response, { login: { accountId: 'alice' } });
  });
  return { issuer, close: () => server.close().closeAllConnections() };
}
