import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestMiddleware,
  type NestModule,
} from '@nestjs/common';
import { Public, TokenService, type RequestWithCookies } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { raise, type Stage } from '../support/stage.js';
import { platforms } from '../support/test-app.js';

/** As in front of a proxy: it runs before the guard, and on Fastify with Node's own request and response. */
@Injectable()
class WithToken implements NestMiddleware {
  constructor(private readonly tokens: TokenService) {}

  async use(request: RequestWithCookies, _response: object, next: () => void): Promise<void> {
    await this.tokens.getAccessToken(request);
    next();
  }
}

@Public()
@Controller('api')
class ApiController {
  @Get()
  answer(): string {
    return 'from the API';
  }
}

@Module({ controllers: [ApiController] })
class ApiModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(WithToken).forRoutes(ApiController);
  }
}

describe.each(platforms)('a middleware on %s that wants the user’s token', (platform) => {
  let stage: Stage;
  afterEach(() => stage.close());

  it('gets it', async () => {
    stage = await raise({ platform, imports: [{ module: ApiModule }] });
    const { headers } = await stage.logIn();
    expect(await new Browser().fetch(`${stage.url}/api`, { headers })).toMatchObject({
      status: 200,
      body: 'from the API',
    });
  });

  it('sends visitors to the login, and tells scripts', async () => {
    stage = await raise({ platform, imports: [{ module: ApiModule }] });
    const browser = new Browser();
    const { status, location } = await browser.open(`${stage.url}/api`);
    expect([status, location]).toEqual([302, '/auth/login?returnTo=%2Fapi']);
    const answer = await browser.fetch(`${stage.url}/api`, { headers: { cookie: `__Host-sid=${'x'.repeat(43)}` } });
    expect([answer.status, answer.json()]).toEqual([401, expect.objectContaining({ error: 'login_required' })]);
  });
});
