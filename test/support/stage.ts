import type { DynamicModule, INestApplication, Provider, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { OidcModule, type OidcEvent, type OidcOptions } from 'nest-oidc';
import { CLOCK, loginAs, type Clock, type TestLogin } from 'nest-oidc/testing';
import { freePort } from './free-port.js';
import { SECRET, type PlatformName } from './test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from './test-provider.js';

export interface StageOptions {
  readonly platform?: PlatformName;
  readonly issuer?: string;
  readonly options?: Partial<OidcOptions>;
  readonly imports?: readonly DynamicModule[];
  readonly controllers?: readonly Type[];
  readonly providers?: readonly Provider[];
  readonly clock?: Clock;
  readonly globalGuard?: boolean;
  /** Before the application listens: its WebSocket adapter, its microservices. */
  readonly prepare?: (app: INestApplication) => unknown;
}

/** An application of what a test is about, on a real port. */
export interface Stage {
  readonly app: INestApplication;
  readonly url: string;
  readonly events: readonly OidcEvent[];
  logIn(sub?: string): Promise<TestLogin>;
  close(): Promise<void>;
}

export async function raise({
  platform = 'express',
  issuer = 'http://localhost:1',
  options,
  imports = [],
  controllers = [],
  providers = [],
  clock,
  globalGuard = true,
  prepare,
}: StageOptions): Promise<Stage> {
  const events: OidcEvent[] = [];
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const base: OidcOptions = {
    issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    baseUrl: url,
    secret: SECRET,
    allowInsecure: true,
    onEvent: (event) => events.push(event),
  };
  const builder = Test.createTestingModule({
    imports: [OidcModule.forRootAsync({ globalGuard, useFactory: () => ({ ...base, ...options }) }), ...imports],
    controllers: [...controllers],
    providers: [...providers],
  });
  if (clock) builder.overrideProvider(CLOCK).useValue(clock);
  const module = await builder.compile();
  const app = module.createNestApplication(platform === 'express' ? new ExpressAdapter() : new FastifyAdapter(), {
    logger: false,
  });
  await prepare?.(app);
  await app.listen(port);
  return { app, url, events, logIn: (sub = 'alice') => loginAs(app, { sub }), close: () => app.close() };
}
