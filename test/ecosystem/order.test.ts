import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  Injectable,
  Module,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import { currentSessionIn } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { raise, type Stage } from '../support/stage.js';

/** Who was seen to be there, guard by guard. */
const seen: string[] = [];

@Injectable()
class RootGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return note('root', context);
  }
}

@Injectable()
class ImportedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return note('imported after', context);
  }
}

function note(guard: string, context: ExecutionContext): boolean {
  const { user } = context.switchToHttp().getRequest<{ user?: { sub: string } }>();
  const session = currentSessionIn(context);
  expect(session?.claims).toBe(user);
  return seen.push(`${guard}: ${session?.sub ?? 'nobody'}`) > 0;
}

@Catch()
class EverythingFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(_error: unknown, host: ArgumentsHost): unknown {
    return this.host.httpAdapter.reply(host.switchToHttp().getResponse(), 'worded by the application', 418);
  }
}

@Controller('page')
class PageController {
  @Get()
  page(): string {
    return 'page';
  }
}

@Module({
  providers: [
    { provide: APP_GUARD, useClass: ImportedGuard },
    { provide: APP_FILTER, useClass: EverythingFilter },
  ],
})
class ImportedAfter {}

/** As the README and the recipes say it, which is Nest's doing. */
describe('what an application registers globally', () => {
  let stage: Stage;
  afterEach(() => stage.close());

  it('of its root module are guards that run before anybody is known; of a module imported after, ones that know the user', async () => {
    const root = { provide: APP_GUARD, useClass: RootGuard };
    stage = await raise({ controllers: [PageController], providers: [root], imports: [{ module: ImportedAfter }] });
    const { headers } = await stage.logIn();
    seen.length = 0;
    expect((await new Browser().fetch(`${stage.url}/page`, { headers })).status).toBe(200);
    expect(seen).toEqual(['root: nobody', 'imported after: alice']);
  });

  it.each([
    ['of its root module is a filter that is asked after the library’s', 'root', 401],
    ['of a module imported after is a filter that is asked before it', 'imported', 418],
  ])('%s', async (_, place, status) => {
    const root = { provide: APP_FILTER, useClass: EverythingFilter };
    stage = await raise({
      controllers: [PageController],
      ...(place === 'root' ? { providers: [root] } : { imports: [{ module: ImportedAfter }] }),
    });
    expect((await new Browser().fetch(`${stage.url}/page`)).status).toBe(status);
  });

  it('is no filter for the auth routes', async () => {
    stage = await raise({ imports: [{ module: ImportedAfter }] });
    expect((await new Browser().open(`${stage.url}/auth/callback?code=x`)).status).toBe(400);
  });
});
