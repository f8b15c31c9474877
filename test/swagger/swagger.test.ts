import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Module, Post, UseGuards, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ApiResponse, DocumentBuilder, type OpenAPIObject } from '@nestjs/swagger';
import { AuthGuard, OidcModule, OptionalAuth, Public, type OidcEnvOverrides } from 'nest-oidc';
import { ApiOidcAuth, createOidcDocument } from 'nest-oidc/swagger';
import { SECRET } from '../support/test-app.js';

@Injectable()
class StaffGuard extends AuthGuard {}

@Controller('orders')
class OrdersController {
  @Get()
  list(): void {}

  @Post()
  create(): void {}

  @Public()
  @Get('prices')
  prices(): void {}

  @OptionalAuth()
  @Post('basket')
  basket(): void {}

  notARoute(): void {}
}

@Controller('own-words')
class OwnWordsController {
  @ApiResponse({ status: 200, description: 'The words.' })
  @ApiResponse({ status: 503, description: 'At night.' })
  @Get()
  words(): void {}
}

@Public()
@Controller('open')
class OpenController {
  @Get()
  hello(): void {}
}

@UseGuards(AuthGuard)
@Controller('guarded')
class GuardedController {
  @Get()
  hello(): void {}
}

@Controller('mixed')
class MixedController {
  @UseGuards(StaffGuard)
  @Get('staff')
  staff(): void {}

  @Get('anybody')
  anybody(): void {}

  @ApiOidcAuth()
  @Get('marked')
  marked(): void {}
}

@ApiOidcAuth()
@Controller('own-guard')
class OwnGuardController {
  @Get()
  hello(): void {}

  @Public()
  @Get('open')
  open(): void {}
}

const OPTIONS: OidcEnvOverrides = {
  issuer: 'https://login.example.com',
  clientId: 'app',
  clientSecret: 'client-secret',
  baseUrl: 'https://app.example.com',
  secret: SECRET,
};

const security = [{ 'oidc-session': [] }];

describe.each(['express', 'fastify'])('the OpenAPI document, on %s', (platform) => {
  let app: INestApplication | undefined;
  afterEach(() => app?.close());

  const documentOf = async (overrides: OidcEnvOverrides, ...controllers: Type[]): Promise<OpenAPIObject> => {
    @Module({ imports: [OidcModule.forEnv({ ...OPTIONS, ...overrides })], controllers, providers: [StaffGuard] })
    class AppModule {}
    const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    app = await NestFactory.create(AppModule, adapter, { logger: false });
    return createOidcDocument(app, new DocumentBuilder());
  };

  it('has the session cookie as a security scheme, by the name that it has', async () => {
    const schemeOf = async (overrides: OidcEnvOverrides): Promise<unknown> =>
      (await documentOf(overrides)).components?.securitySchemes?.['oidc-session'];
    expect(await schemeOf({})).toMatchObject({ type: 'apiKey', in: 'cookie', name: '__Host-sid' });
    expect(await schemeOf({ session: { cookie: { name: 'login' } } })).toMatchObject({ name: 'login' });
    expect(await schemeOf({ baseUrl: 'http://localhost:3000' })).toMatchObject({ name: 'sid' });
  });

  it('marks what the global guard protects, and what it may answer', async () => {
    const { paths } = await documentOf({}, OrdersController, OpenController);
    expect(paths['/orders']?.get).toMatchObject({ security });
    expect(paths['/orders']?.post).toMatchObject({ security });
    expect(Object.keys(paths['/orders']?.get?.responses ?? {})).toEqual(['200', '401', '403', '503']);
    expect(paths['/orders']?.post?.responses['401']).toMatchObject({
      content: { 'application/json': { schema: { required: ['error', 'correlationId'] } } },
    });
  });

  it('leaves alone what the application says itself', async () => {
    const { paths } = await documentOf({}, OwnWordsController);
    expect(paths['/own-words']?.get?.responses).toMatchObject({
      200: { description: 'The words.' },
      503: { description: 'At night.' },
    });
  });

  it('leaves public routes alone, the library’s own among them', async () => {
    const { paths } = await documentOf({}, OrdersController, OpenController);
    const open = [paths['/orders/prices']?.get, paths['/open']?.get, paths['/auth/login']?.get, paths['/auth/me']?.get];
    for (const operation of open) {
      expect(operation).toBeDefined();
      expect(operation).not.toHaveProperty('security');
      expect(operation?.responses).not.toHaveProperty('401');
    }
  });

  it('says that the cookie is optional where the login is', async () => {
    const { paths } = await documentOf({}, OrdersController);
    const basket = paths['/orders/basket']?.post;
    expect(basket?.security).toHaveLength(2);
    expect(basket?.security).toEqual(expect.arrayContaining([{}, ...security]));
    expect(Object.keys(basket?.responses ?? {})).toEqual(['201', '403']);
  });

  it('marks what is guarded by @UseGuards where the global guard is off', async () => {
    const { paths } = await documentOf({ globalGuard: false }, GuardedController, MixedController);
    expect(paths['/guarded']?.get).toMatchObject({ security });
    expect(paths['/mixed/staff']?.get).toMatchObject({ security });
    expect(paths['/mixed/anybody']?.get).not.toHaveProperty('security');
  });

  it('marks what @ApiOidcAuth() marks, without the public routes of a marked controller', async () => {
    const { paths } = await documentOf({ globalGuard: false }, MixedController, OwnGuardController);
    expect(paths['/mixed/marked']?.get).toMatchObject({ security });
    expect(paths['/own-guard']?.get).toMatchObject({ security });
    expect(paths['/own-guard/open']?.get).not.toHaveProperty('security');
  });

  it('stays the same when it is made again', async () => {
    const first = await documentOf({}, OrdersController);
    await app?.close();
    expect(await documentOf({}, OrdersController)).toEqual(first);
  });
});
