import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { ProviderClient } from '../environment.js';
import { DEMO_USERS } from './demo-users.js';
import type { EmbeddedProviderOptions } from './embedded-provider.js';
import { errorPage, loggedOutPage, logoutPage } from './provider-pages.js';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** A provider that is strict where it matters: PKCE, rotating refresh tokens, and reuse of one ends the whole grant. */
export async function configuration(
  client: ProviderClient,
  { appUrl, tokenLifetime }: EmbeddedProviderOptions,
): Promise<Configuration> {
  return {
    clients: [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        client_name: 'nest-oidc sample',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`${appUrl}/auth/callback`],
        post_logout_redirect_uris: [`${appUrl}/`],
        backchannel_logout_uri: `${appUrl}/auth/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [await signingKey()] },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      // Cookies of all ports of a host are in one jar.
      names: {
        session: 'demo_provider.session',
        interaction: 'demo_provider.interaction',
        resume: 'demo_provider.resume',
      },
    },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    // Claims go into the ID token, as with most providers.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx, registered) => registered.grantTypeAllowed('refresh_token'),
    ttl: {
      AccessToken: tokenLifetime,
      AuthorizationCode: 60,
      Grant: DAY,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: DAY,
      Session: DAY,
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, asking, token) => token.clientId === asking.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          // With our own ID token as a hint, it is our app that asks (RP-Initiated Logout 1.0 §2).
          ctx.body = logoutPage(form, { ask: ctx.oidc.entities.IdTokenHint === undefined });
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = loggedOutPage(appUrl);
        },
      },
    },
    fetch: fetchFromApp,
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount,
    loadExistingGrant: grantEverything,
    renderError: (ctx) => {
      ctx.type = 'html';
      ctx.body = errorPage(appUrl);
    },
  };
}

/**
 * The one address that this provider ever calls is the app's own, to tell of a logout, and it is on this machine:
 * `oidc-provider` hands in a dispatcher that refuses such addresses.
 */
const fetchFromApp: NonNullable<Configuration['fetch']> = (url, { dispatcher: _guard, ...options }: RequestInit = {}) =>
  fetch(url, options);

const findAccount: NonNullable<Configuration['findAccount']> = (_ctx, id) => {
  const user = DEMO_USERS.find(({ sub }) => sub === id);
  if (!user) return undefined;
  const { sub, name, email } = user;
  return {
    accountId: sub,
    claims: () => ({ sub, name, preferred_username: sub, email, email_verified: true }),
  };
};

/** Stands in for a consent page: client and provider belong together. */
async function grantEverything({ oidc }: KoaContextWithOIDC): Promise<InstanceType<typeof oidc.provider.Grant>> {
  const grant = new oidc.provider.Grant({
    clientId: oidc.client?.clientId ?? '',
    accountId: oidc.session?.accountId ?? '',
  });
  grant.addOIDCScope('openid profile email offline_access');
  await grant.save();
  return grant;
}

async function signingKey(): Promise<JWK & { kty: 'RSA' }> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kty: 'RSA', alg: 'RS256', use: 'sig', kid: 'demo' };
}
