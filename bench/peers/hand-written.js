import { Req, UnauthorizedException, UseGuards } from '@nestjs/common';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { controllerOf, createApp } from '../subjects/platform.js';
import { connectRedis } from '../subjects/redis-client.js';
import { claims, tokens } from '../subjects/session.js';
import { logInAt } from './log-in.js';

class LoggedInGuard {
  canActivate(context) {
    if (!context.switchToHttp().getRequest().session.claims) throw new UnauthorizedException();
    return true;
  }
}

const me = (request) => ({ sub: request.session.claims.sub });

/** What people write by hand: `express-session`, `connect-redis`, and a guard that looks for the user in the session. */
export async function handWritten({ redisUrl, sessions = 1 }) {
  const app = await createApp('express', controllerOf(me, [Req()], [UseGuards(new LoggedInGuard())]));
  app.use(
    session({
      store: new RedisStore({ client: await connectRedis(redisUrl) }),
      secret: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32',
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: 86_400_000 },
    }),
  );
  app.use('/login', (request, response) => {
    const user = claims('https://login.example');
    Object.assign(request.session, { claims: user, tokens: tokens(user) });
    response.end();
  });
  return { app, logIn: logInAt('/login', { times: sessions }) };
}
