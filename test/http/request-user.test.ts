import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Req, type INestApplication } from '@nestjs/common';
import { CurrentUser, OptionalAuth, type Claims } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { ScriptedProvider, startAppAt } from '../support/scripted-provider.js';
import { platforms, type PlatformName, type TestApp } from '../support/test-app.js';

interface WithUser {
  user?: unknown;
}

@Controller('user')
class UserController {
  @Get()
  own(@Req() request: WithUser, @CurrentUser() user: Claims) {
    const { value: _, ...property } = Object.getOwnPropertyDescriptor(request, 'user') ?? {};
    return { isTheUser: request.user === user, sub: user.sub, property };
  }

  @OptionalAuth()
  @Get('optional')
  optional(@Req() request: WithUser, @CurrentUser() user: Claims | undefined) {
    return { isTheUser: request.user === user, user: user ? user.sub : (request.user ?? null) };
  }
}

/** Another library that has found a user of its own, before the guard looks. */
function strangerFirst(platform: PlatformName) {
  return (app: INestApplication): void => {
    const welcome = (request: WithUser, _response: object, next: () => void): void => {
      request.user = 'a stranger';
      next();
    };
    if (platform === 'express') app.use(welcome);
    else app.getHttpAdapter().getInstance().addHook('onRequest', welcome);
  };
}

describe.each(platforms)('request.user on %s', (platform) => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => void (provider = await ScriptedProvider.start()));
  afterAll(() => provider.stop());
  beforeEach(() => {
    provider.reset();
    browser = new Browser();
  });
  afterEach(() => app.close());

  async function start(prepare?: (app: INestApplication) => void): Promise<void> {
    app = await startAppAt(provider, { platform, controllers: [UserController], ...(prepare && { prepare }) });
    await browser.navigate(`${app.url}/auth/login`);
  }

  const ask = async (path: string, as = browser): Promise<unknown> =>
    JSON.parse((await as.fetch(`${app.url}${path}`)).body);

  it('is what @CurrentUser() is', async () => {
    await start();
    expect(await ask('/user')).toMatchObject({ isTheUser: true, sub: 'alice' });
    expect(await ask('/user/optional')).toEqual({ isTheUser: true, user: 'alice' });
  });

  it('is a property like any other: to be replaced, deleted, and copied with the request', async () => {
    await start();
    const usual = { writable: true, enumerable: true, configurable: true };
    expect(await ask('/user')).toMatchObject({ property: usual });
  });

  it('is undefined for a visitor', async () => {
    await start();
    expect(await ask('/user/optional', new Browser())).toEqual({ isTheUser: true, user: null });
  });

  it('is our user, whoever has been there before; without one it stays as it was', async () => {
    await start(strangerFirst(platform));
    expect(await ask('/user')).toMatchObject({ isTheUser: true, sub: 'alice' });
    expect(await ask('/user/optional', new Browser())).toMatchObject({ user: 'a stranger' });
  });

  it('leaves what the application has put there for all requests', async () => {
    await start((nest) => {
      const instance = nest.getHttpAdapter().getInstance();
      if (platform === 'express') instance.request.user = 'anybody';
      else instance.decorateRequest('user', 'anybody');
    });
    expect(await ask('/user')).toMatchObject({ isTheUser: true });
    expect(await ask('/user/optional', new Browser())).toMatchObject({ user: 'anybody' });
  });
});
