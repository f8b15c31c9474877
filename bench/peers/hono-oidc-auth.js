import { getAuth, initOidcAuthMiddleware, oidcAuthMiddleware } from '@hono/oidc-auth';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { serverApp } from '../subjects/server-app.js';
import { logInAt } from './log-in.js';
import { startProvider } from './provider-process.js';

/** `@hono/oidc-auth` after a real login: a signed cookie with `sub`, `email` and the refresh token. No Nest, no store. */
export async function honoOidcAuth() {
  const provider = await startProvider();
  const app = new Hono();
  app.use(
    initOidcAuthMiddleware({
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      OIDC_SCOPES: 'openid email offline_access',
      OIDC_AUTH_SECRET: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32',
      // No refresh while it is measured.
      OIDC_AUTH_REFRESH_INTERVAL: '86400',
    }),
  );
  app.use(oidcAuthMiddleware());
  app.get('/me', async (context) => context.json({ sub: (await getAuth(context)).sub }));
  return { app: serverApp(createAdaptorServer({ fetch: app.fetch })), logIn: logInAt('/me', { provider }) };
}
