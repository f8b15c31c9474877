// The library on Redis with a process cache, Nest on Fastify. `GET /me` answers the access token that the session holds and
// how often this process has read a session from Redis.
import { Controller, Get, Req } from '@nestjs/common';
import { OidcModule, TokenService } from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import { internalOf } from '../internals.js';
import { answer } from '../bursts/answer.js';
import { controllerOf, createApp } from '../subjects/platform.js';
import { claims, tokens } from '../subjects/session.js';

const SECRET = 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32';
/** Old enough to be refreshed at will. */
const AGE_MS = 60_000;

let opener;
let issuer;
let reads = 0;

answer({
  start: async ({ port, ...options }) => {
    ({ issuer } = options);
    const client = counting(createClient({ url: process.env.REDIS_URL, socket: { reconnectStrategy: 5 } }));
    client.on('error', () => undefined);
    await client.connect();
    const module = OidcModule.forRoot({
      ...options,
      baseUrl: `http://127.0.0.1:${port}`,
      secret: SECRET,
      allowInsecure: true,
      session: { store: new RedisSessionStore(client, { processCache: true }) },
    });
    const held = async (request) => ({ token: await service.getAccessToken(request), reads });
    const renewed = async (request) => ({ token: await service.getAccessToken(request, { forceRefresh: true }) });
    const app = await createApp('fastify', controllerOf(held, [Req()]), [module, moduleOf(renewal(renewed))]);
    const service = app.get(TokenService, { strict: false });
    opener = internalOf(app, 'SessionOpener');
    await app.listen(port, '127.0.0.1');
  },
  /** A session of this user, as a login makes it. Answers its cookie. */
  logIn: async ({ sub }) => {
    const issued = Date.now() - AGE_MS;
    const all = { ...claims(issuer), sub };
    const login = {
      claims: { ...all, iat: Math.floor(issued / 1000) },
      tokens: { ...tokens(all, issued), idToken: undefined },
    };
    return `sid=${(await opener.open(login, all, undefined)).token}`;
  },
});

function renewal(handler) {
  class RenewalController {
    renew(request) {
      return handler(request);
    }
  }
  Req()(RenewalController.prototype, 'renew', 0);
  Get('renew')(
    RenewalController.prototype,
    'renew',
    Object.getOwnPropertyDescriptor(RenewalController.prototype, 'renew'),
  );
  Controller()(RenewalController);
  return RenewalController;
}

function moduleOf(controller) {
  return { module: class RenewalModule {}, controllers: [controller] };
}

/** Counts what the store reads over the connection of the application. */
function counting(client) {
  const withCommandOptions = client.withCommandOptions.bind(client);
  client.withCommandOptions = (options) => {
    const commands = withCommandOptions(options);
    const get = commands.get.bind(commands);
    commands.get = (key) => {
      reads += 1;
      return get(key);
    };
    return commands;
  };
  return client;
}
