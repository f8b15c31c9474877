// `oidc-provider`, for provider-process.js. Whoever comes is logged in, without a form. Ends with its parent.
import '../../test/support/quiet.js';
import { createServer } from 'node:http';
import { interactionPolicy, Provider } from 'oidc-provider';
import { claims, SUB } from '../subjects/session.js';

const CLIENT = { clientId: 'bench-client', clientSecret: 'kF3_a-client-secret-for-the-bench-0Qz8' };
const SCOPE = 'openid profile email offline_access';
const PROFILE = ['name', 'given_name', 'family_name', 'roles'];

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', handlerOf(createProvider(issuer)));
  process.send({ issuer, ...CLIENT });
});
process.on('disconnect', () => process.exit());

function handlerOf(provider) {
  const handle = provider.callback();
  return (request, response) =>
    request.url.startsWith('/interaction/')
      ? provider.interactionFinished(request, response, { login: { accountId: SUB } })
      : handle(request, response);
}

function createProvider(issuer) {
  // A native client's users are asked every time.
  const policy = interactionPolicy.base();
  policy.remove('consent');
  const user = claims(issuer);
  const account = Object.fromEntries([...PROFILE, 'email', 'email_verified'].map((name) => [name, user[name]]));
  return new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        // RFC 8252 §7.3: any port of 127.0.0.1.
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    cookies: { keys: ['bench'] },
    claims: { openid: ['sub'], profile: PROFILE, email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    scopes: SCOPE.split(' '),
    issueRefreshToken: () => true,
    features: { devInteractions: { enabled: false } },
    interactions: { policy, url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: () => ({ accountId: SUB, claims: () => ({ sub: SUB, ...account }) }),
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: CLIENT.clientId, accountId: SUB });
      grant.addOIDCScope(SCOPE);
      await grant.save();
      return grant;
    },
  });
}
