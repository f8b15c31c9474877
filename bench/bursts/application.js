// The library on Redis, Nest on Fastify: `GET /me` needs a usable access token.
import { tokenRequests } from './token-requests.js';
import { Req } from '@nestjs/common';
import { OidcModule, TokenService } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { internalOf } from '../internals.js';
import { controllerOf, createApp } from '../subjects/platform.js';
import { answer } from './answer.js';
import { agedTokens } from './settings.js';

const SECRET = 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32';

let repository;
let refresher;

answer({
  start: async ({ port, ...options }) => {
    const client = createClient({ url: process.env.REDIS_URL });
    client.on('error', () => undefined);
    await client.connect();
    const session = { store: new RedisSessionStore(client) };
    const module = OidcModule.forRoot({ ...options, secret: SECRET, allowInsecure: true, session });
    const me = async (request) => ({ token: (await tokens.getAccessToken(request)).length });
    const app = await createApp('fastify', controllerOf(me, [Req()]), [module]);
    const tokens = app.get(TokenService, { strict: false });
    repository = internalOf(app, 'SessionRepository');
    refresher = internalOf(app, 'TokenRefresher');
    await app.listen(port, '127.0.0.1');
  },
  /** Lets the access token of a session get into a state, and answers the session's generation. */
  age: async ({ cookie, state }) => {
    const loaded = await load(cookie);
    const { next, stored } = repository.withTokens(loaded, agedTokens(loaded.tokens(), state));
    const result = await repository.replace(next.session.id, stored, 'bench');
    if (result !== 'written') throw new Error(`The session was not written: ${result}.`);
    return next.generation;
  },
  /** Waits for refreshes under way: they outlast the answers to a burst whose token was due, and the write as well. */
  settle: () => refresher.settled(),
  generation: async ({ cookie }) => (await load(cookie))?.generation,
  tokens: async ({ cookie }) => (await load(cookie)).tokens(),
  report: () => tokenRequests(),
});

const load = (cookie) => repository.load(/(?:^|; )sid=([^;]+)/u.exec(cookie)[1]);
