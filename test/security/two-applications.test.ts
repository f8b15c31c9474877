import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Req, Res, UseGuards, type INestApplication, type Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { AuthGuard, CurrentUser, OidcModule, OptionalAuth, Roles, type OidcOptions } from 'nest-oidc';
import { loginAs } from 'nest-oidc/testing';
import { Browser } from '../support/browser.js';
import { freePort } from '../support/free-port.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';

type Handler = (request: object, response: object) => void;

/** Of the application that has the requests first, and hands them on. */
@Controller()
class FrontController {
  static back: Handler;

  @Get('*path')
  handOn(@Req() request: object, @Res() response: object): void {
    FrontController.back(request, response);
  }
}

@Controller()
class BackController {
  @Roles('admin')
  @Get('rule')
  rule(): string {
    return 'ruled';
  }

  @UseGuards(AuthGuard)
  @OptionalAuth()
  @Get('greet')
  greet(@CurrentUser('sub') sub: string | undefined): string {
    return `hello ${sub ?? 'stranger'}`;
  }

  @UseGuards(AuthGuard)
  @OptionalAuth()
  @Roles('admin')
  @Get('rule-by-choice')
  ruleByChoice(): string {
    return 'ruled';
  }
}

async function create(
  name: string,
  baseUrl: string,
  controller: Type,
  globalGuard: boolean,
): Promise<INestApplication> {
  const useFactory = (): OidcOptions => ({
    issuer: `http://${name}.localhost`,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    baseUrl,
    secret: `${name} ${SECRET}`,
    allowInsecure: true,
    session: { cookie: { name } },
    authorization: { rolesClaim: 'roles' },
  });
  const oidc = OidcModule.forRootAsync({ globalGuard, useFactory });
  const module = await Test.createTestingModule({ imports: [oidc], controllers: [controller] }).compile();
  return module.createNestApplication(new ExpressAdapter(), { logger: false });
}

describe('an application that has its requests from another one with users of its own', () => {
  let front: INestApplication;
  let back: INestApplication;
  let url: string;

  beforeEach(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    front = await create('front', url, FrontController, true);
    back = await create('back', url, BackController, false);
    await back.init();
    FrontController.back = back.getHttpAdapter().getInstance() as Handler;
    await front.listen(port);
  });

  afterEach(() => Promise.all([front.close(), back.close()]));

  const get = async (path: string, headers: Readonly<Record<string, string>>) =>
    new Browser().send(`${url}/${path}`, { headers });

  it('takes none of them for a user of its own [NST-02]', async () => {
    const { headers } = await loginAs(front, { sub: 'alice', roles: ['admin'] });
    expect((await get('rule', headers)).status).toBe(401);
    expect((await get('rule-by-choice', headers)).status).toBe(401);
    expect((await get('greet', headers)).body).toBe('hello stranger');
  });

  it('knows its own', async () => {
    const [alice, bob] = [
      await loginAs(front, { sub: 'alice' }),
      await loginAs(back, { sub: 'bob', roles: ['admin'] }),
    ];
    const headers = { cookie: `${alice.cookie}; ${bob.cookie}` };
    expect((await get('rule', headers)).body).toBe('ruled');
    expect((await get('greet', headers)).body).toBe('hello bob');
  });
});
