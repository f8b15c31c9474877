import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Module, type INestApplication, type Type } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { CurrentUser, OidcModule, oidcOptionsFromEnv } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET, TestProvider } from '../support/test-provider.js';

@Controller()
class PagesController {
  @Get('who')
  who(@CurrentUser('sub') sub: string): string {
    return sub;
  }
}

function appWith(...imports: NonNullable<Parameters<typeof Module>[0]['imports']>): Type {
  @Module({ imports, controllers: [PagesController] })
  class AppModule {}
  return AppModule;
}

describe('an application whose options are in the environment', () => {
  let provider: TestProvider;
  let port: number;
  let app: INestApplication | undefined;
  const before = { ...process.env };

  beforeAll(async () => {
    port = await freePort();
    provider = await TestProvider.start({ redirectUris: [`http://localhost:${port}/auth/callback`] });
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    jest.restoreAllMocks();
  });
  afterAll(() => provider.stop());

  const setEnvironment = (more: Readonly<Record<string, string>> = {}): void => {
    const three = { OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET };
    Object.assign(process.env, three, { PORT: String(port) }, more);
  };

  const logInAt = async (module: Type): Promise<string> => {
    app = await NestFactory.create(module, { logger: false });
    await app.listen(port);
    const page = await new Browser().navigate(`http://localhost:${port}/who`);
    return page.body;
  };

  it('logs users in with three variables', async () => {
    const module = appWith(OidcModule.forEnv()); // the environment counts when the application starts
    setEnvironment();
    expect(await logInAt(module)).toBe('alice');
  });

  it('serves the routes that the code names', async () => {
    const url = `http://localhost:${await freePort()}`;
    setEnvironment({ SESSION_SECRET: SECRET, BASE_URL: url });
    const routes = { login: '/in', me: false } as const;
    app = await NestFactory.create(appWith(OidcModule.forEnv({ routes })), { logger: false });
    await app.listen(new URL(url).port);
    const browser = new Browser();
    expect((await browser.open(`${url}/in`)).status).toBe(302);
    expect((await browser.open(`${url}/auth/login`)).status).toBe(404);
    expect((await browser.open(`${url}/auth/me`)).status).toBe(404);
  });

  it('leaves the guard and the scope of the module to the code', () => {
    const definition = OidcModule.forEnv({ global: false, globalGuard: false });
    expect(definition.global).toBe(false);
    expect(OidcModule.forEnv().global).toBe(true);
    expect(definition.providers).toHaveLength((OidcModule.forEnv().providers ?? []).length - 1);
  });

  it('does not start with a variable that cannot be used, and says which', async () => {
    setEnvironment({ OIDC_ISSUER: 'localhost', OIDC_CLIENT_ID: '' });
    const start = NestFactory.create(appWith(OidcModule.forEnv()), { logger: false, abortOnError: false });
    await expect(start).rejects.toThrow(/OIDC_ISSUER: .+\n.+OIDC_CLIENT_ID: /u);
  });

  it('does not start in production without BASE_URL and SESSION_SECRET', async () => {
    setEnvironment({ NODE_ENV: 'production', OIDC_ISSUER: 'https://login.example.com' });
    const start = NestFactory.create(appWith(OidcModule.forEnv()), { logger: false, abortOnError: false });
    await expect(start).rejects.toThrow(/BASE_URL: is missing.+\n.+SESSION_SECRET: is missing/u);
  });

  it('logs users in with a namespace of @nestjs/config', async () => {
    setEnvironment({ SESSION_SECRET: SECRET });
    const oidcConfig = registerAs('oidc', () => oidcOptionsFromEnv());
    const config = ConfigModule.forRoot({ ignoreEnvFile: true });
    expect(await logInAt(appWith(config, OidcModule.forRootAsync(oidcConfig.asProvider())))).toBe('alice');
  });
});
