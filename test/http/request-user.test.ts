import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Req, Res, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { CurrentUser, OptionalAuth, Public, type Claims } from 'nest-oidc';
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
    return { isTheUser: request.user === user, sub: user.sub, ofItsOwn: Object.hasOwn(request, 'user') };
  }

  @Get('behind')
  behind(@Req() request: WithUser, @CurrentUser() user: Claims) {
    const [proxy, heir] = [new Proxy(request, {}), Object.create(request) as WithUser];
    const found = [proxy.user === user, heir.user === user];
    heir.user = 'of the heir alone';
    const [ofHeir, untouched] = [heir.user, request.user === user];
    proxy.user = 'of both';
    return [...found, ofHeir, untouched, request.user];
  }

  @Get('forgotten')
  forgotten(@Req() request: WithUser, @CurrentUser('sub') sub: string) {
    request.user = undefined;
    return { sub, user: request.user ?? null };
  }

  @OptionalAuth()
  @Get('optional')
  optional(@Req() request: WithUser, @CurrentUser() user: Claims | undefined) {
    return { isTheUser: request.user === user, user: user ? user.sub : (request.user ?? null) };
  }

  @Public()
  @Get('replaced')
  replaced(@Req() request: WithUser) {
    request.user = { sub: 'somebody' };
    return { user: request.user };
  }
}

/** An application of Express without Nest, from the time before it. */
const legacy = new ExpressAdapter().getInstance();
legacy.use((request: { user?: Claims }, response: { json(body: unknown): void }) =>
  response.json({ sub: request.user?.sub }),
);

@Controller('legacy')
class LegacyController {
  @Get()
  handOver(@Req() request: object, @Res() response: object): void {
    legacy(request, response);
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

  it('shows through what is made of the request', async () => {
    await start();
    expect(await ask('/user/behind')).toEqual([true, true, 'of the heir alone', true, 'of both']);
  });

  it('is hidden by setting it to undefined', async () => {
    await start();
    expect(await ask('/user/forgotten')).toEqual({ sub: 'alice', user: null });
  });

  it('is undefined for a visitor', async () => {
    await start();
    expect(await ask('/user/optional', new Browser())).toEqual({ isTheUser: true, user: null });
  });

  it('may be set by the application', async () => {
    await start();
    expect(await ask('/user/replaced')).toEqual({ user: { sub: 'somebody' } });
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
    expect(await ask('/user')).toMatchObject({ isTheUser: true, ofItsOwn: true });
    expect(await ask('/user/optional', new Browser())).toMatchObject({ user: 'anybody' });
  });
});

it('request.user shows in another application of Express that a handler calls', async () => {
  const provider = await ScriptedProvider.start();
  const app = await startAppAt(provider, { controllers: [LegacyController] });
  try {
    const browser = new Browser();
    await browser.navigate(`${app.url}/auth/login`);
    expect(JSON.parse((await browser.fetch(`${app.url}/legacy`)).body)).toEqual({ sub: 'alice' });
  } finally {
    await app.close();
    await provider.stop();
  }
});
