import 'reflect-metadata';
import cluster from 'node:cluster';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { RedisSessionStore } from 'nest-oidc/redis';
import { AppModule } from './app.module.js';
import { EmbeddedProvider } from './embedded-provider/embedded-provider.js';
import { readEnvironment } from './environment.js';
import { noteArrival } from './http/arrival.js';
import { OpenConnections } from './http/open-connections.js';
import { securityHeaders } from './http/security-headers.js';
import { AppLogger } from './logger.js';
import { PUBLIC_DIRECTORY } from './public-directory.js';
import { closeRedis, connectRedis } from './redis-client.js';
import type { Settings } from './settings.js';
import { exitOnSignal } from './shutdown.js';
import { exitOnFailure } from './start-failure.js';
import { LocalBroadcast, RedisBroadcast } from './timeline/broadcast.js';
import { welcome } from './welcome.js';

async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  const embedded = environment.client ? undefined : await EmbeddedProvider.startFor(environment);
  const client = environment.client ?? embedded?.client;
  if (!client) throw new TypeError('There is neither a provider nor an embedded one.');
  const redis = environment.redisUrl === undefined ? undefined : connectRedis(environment.redisUrl);
  const settings: Settings = {
    ...environment,
    client,
    resourceUrl: environment.resourceUrl ?? embedded?.resourceUrl,
    sessionStore: redis && new RedisSessionStore(redis),
    broadcast: redis ? new RedisBroadcast(redis) : new LocalBroadcast(),
  };

  const app = await createApp(settings);
  const connections = new OpenConnections(app.getHttpServer());
  await app.listen(settings.port);

  exitOnSignal(async () => {
    connections.closeIdle();
    await app.close();
    await settings.broadcast.close();
    if (redis) await closeRedis(redis);
    await embedded?.close();
  });
  // One of several processes leaves that to the one that has started them.
  if (cluster.isPrimary) console.log(welcome(environment, { embedded: embedded?.client.issuer }));
}

async function createApp(settings: Settings): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(settings), {
    abortOnError: false,
    bodyParser: false,
    logger: new AppLogger(),
  });
  app.disable('x-powered-by');
  app.disable('etag');
  if (settings.trustProxy) app.set('trust proxy', 1);
  app.use(noteArrival, securityHeaders(settings));
  app.useStaticAssets(PUBLIC_DIRECTORY, {
    prefix: '/assets/',
    index: false,
    // Styles and scripts say nothing about anybody: a browser may keep them, and asks whether they are still the same.
    setHeaders: (response) => response.setHeader('Cache-Control', 'no-cache'),
  });
  app.useBodyParser('json', { limit: '16kb' });
  return app;
}

Logger.overrideLogger(new AppLogger());
exitOnFailure(start());
