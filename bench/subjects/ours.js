import { CurrentUser, OidcModule, Public } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { internalOf } from '../internals.js';
import { Sub } from './bare.js';
import { controllerOf, createApp } from './platform.js';
import { claims, tokens } from './session.js';

const ISSUER = 'https://login.example.test';

/** The library: the guard on every route, the user's claims in the handler. The token is fresh, as it nearly always is. */
export async function ours(platform, { redisUrl, store, access, processCache = false }) {
  const session = store === 'redis' ? { store: await redisStore(redisUrl, processCache) } : {};
  const module = OidcModule.forRoot({
    issuer: ISSUER,
    clientId: 'bench-client',
    clientSecret: 'a-client-secret-that-is-never-sent',
    baseUrl: 'https://app.example.test',
    secret: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32',
    session,
  });
  const controller =
    access === 'public'
      ? controllerOf((sub) => ({ sub }), [Sub()], [Public()])
      : controllerOf((sub) => ({ sub }), [CurrentUser('sub')]);
  const app = await createApp(platform, controller, [module]);
  await app.init();
  const user = claims(ISSUER);
  const { token } = await internalOf(app, 'SessionRepository').create(user, tokens(user));
  return { app, headers: { cookie: `__Host-sid=${token}` }, isOpen: access === 'public' };
}

async function redisStore(url, processCache) {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  return new RedisSessionStore(client, { processCache });
}
