import { Req, UnauthorizedException, UseGuards } from '@nestjs/common';
import { RedisStore } from 'connect-redis';
import openidConnect from 'express-openid-connect';
import { controllerOf, createApp } from '../subjects/platform.js';
import { connectRedis } from '../subjects/redis-client.js';
import { claims, tokens } from '../subjects/session.js';
import { logInAt } from './log-in.js';
import { BASE_URL, startProvider } from './provider-process.js';

class LoggedInGuard {
  canActivate(context) {
    if (!context.switchToHttp().getRequest().oidc.isAuthenticated()) throw new UnauthorizedException();
    return true;
  }
}

const me = (request) => ({ sub: request.oidc.user.sub });

/** `express-openid-connect` after a real login, with the session in its cookie or in Redis. */
export async function expressOpenidConnect({ redisUrl, store }) {
  const provider = await startProvider();
  const app = await createApp('express', controllerOf(me, [Req()], [UseGuards(new LoggedInGuard())]));
  app.use(
    openidConnect.auth({
      issuerBaseURL: provider.issuer,
      baseURL: BASE_URL,
      clientID: provider.clientId,
      clientSecret: provider.clientSecret,
      clientAuthMethod: 'client_secret_basic',
      secret: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32',
      authRequired: false,
      authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access' },
      session: store === 'redis' ? { store: new RedisStore({ client: await connectRedis(redisUrl) }) } : {},
      afterCallback: (_request, _response, session) => ({ ...session, ...sizedTokens() }),
    }),
  );
  return { app, logIn: logInAt('/login', { provider }) };
}

/** Tokens as long as those of the other subjects. The ID token stays the provider's: the user's claims are read from it. */
function sizedTokens() {
  const { accessToken, refreshToken } = tokens(claims('https://login.example'));
  return { access_token: accessToken, refresh_token: refreshToken };
}
