import 'reflect-metadata';
import { hashOf, now, setClock, settings, tell } from './instruments.js';
import { Controller, Get, Module, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  CurrentUser,
  OidcModule,
  TokenService,
  type ReplaceResult,
  type RequestWithCookies,
  type StoredSession,
} from 'nest-oidc';
import { RedisSessionStore } from 'nest-oidc/redis';
import { createClient } from 'redis';
import type { AppAnswer, ToApp } from './messages.js';

/** Tells the test what is safe in the store. */
class WatchedStore extends RedisSessionStore {
  override async replace(
    key: string,
    session: StoredSession,
    generation: number,
    owner: string,
  ): Promise<ReplaceResult> {
    const result = await super.replace(key, session, generation, owner);
    if (result === 'written') tell({ type: 'committed', session: key, at: now() });
    return result;
  }
}

const go: (() => void)[] = [];
const counts: Record<string, number> = {};

@Controller()
class AppController {
  constructor(private readonly tokens: TokenService) {}

  @Get('token')
  async token(@Req() request: RequestWithCookies, @CurrentUser('sub') sub: string): Promise<AppAnswer> {
    return { sub, token: hashOf(await this.tokens.getAccessToken(request)) };
  }

  /** Asks for the token long after the guard has let it in. */
  @Get('slow')
  async slow(@Req() request: RequestWithCookies, @CurrentUser('sub') sub: string): Promise<AppAnswer> {
    const released = new Promise<void>((resolve) => go.push(resolve));
    tell({ type: 'slow' });
    await released;
    return this.token(request, sub);
  }
}

const client = createClient({
  url: settings.redisUrl,
  pingInterval: 3000,
  socket: { connectTimeout: 3000, reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 500) },
});
client.on('error', () => undefined);
void client.connect();

@Module({
  imports: [
    OidcModule.forRoot({
      issuer: settings.issuer,
      clientId: settings.clientId,
      clientSecret: settings.clientSecret,
      baseUrl: settings.baseUrl ?? `http://localhost:${settings.port}`,
      secret: settings.secrets,
      allowInsecure: true,
      session: { store: new WatchedStore(client) },
      provider: { timeout: settings.providerTimeout },
      refresh: { lease: settings.lease },
      onEvent: ({ name }) => (counts[name] = (counts[name] ?? 0) + 1),
    }),
  ],
  controllers: [AppController],
})
class AppModule {}

let ending = false;
const adapter = new FastifyAdapter({ keepAliveTimeout: 60_000 });
// Connections that stay open would keep the process.
adapter.getInstance().addHook('onSend', async (_request, reply) => {
  if (ending) reply.header('connection', 'close');
});
const app = await NestFactory.create(AppModule, adapter, { logger: ['error', 'warn', 'log'] });
await app.listen(settings.port, 'localhost');

setInterval(() => tell({ type: 'events', counts }), 250).unref();

process.on('message', (message: ToApp) => {
  if (message.type === 'clock') setClock(message.offsetMs);
  else for (const release of go.splice(0)) release();
  tell({ type: 'done' });
});

process.once('SIGTERM', () => {
  ending = true;
  void (async () => {
    await app.close();
    await client.close();
    tell({ type: 'events', counts });
    process.exit(0);
  })();
});

tell({ type: 'ready' });
