import { Req, UnauthorizedException, UseGuards } from '@nestjs/common';
import { getIronSession, sealData } from 'iron-session';
import { controllerOf, createApp } from '../subjects/platform.js';
import { claims, tokens } from '../subjects/session.js';

const OPTIONS = { password: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32', cookieName: 'session', ttl: 86_400 };

class LoggedInGuard {
  async canActivate(context) {
    const http = context.switchToHttp();
    const request = http.getRequest();
    request.session = await getIronSession(request, http.getResponse(), OPTIONS);
    if (!request.session.claims) throw new UnauthorizedException();
    return true;
  }
}

const me = (request) => ({ sub: request.session.claims.sub });

/** `iron-session` in a guard: the whole session in an encrypted cookie. */
export async function ironSession() {
  const app = await createApp('express', controllerOf(me, [Req()], [UseGuards(new LoggedInGuard())]));
  const user = claims('https://login.example');
  const session = { claims: user, tokens: tokens(user) };
  return { app, cookies: [`${OPTIONS.cookieName}=${await sealData(session, OPTIONS)}`] };
}
