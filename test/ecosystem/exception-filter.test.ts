import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  Module,
  NotFoundException,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { OidcError, OidcExceptionFilter, Public } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { platforms } from '../support/test-app.js';
import { raise, type Stage } from '../transports/stage.js';

/** Of an application that words all its errors itself. */
@Catch()
class EverythingFilter implements ExceptionFilter {
  constructor(
    private readonly oidc: OidcExceptionFilter,
    private readonly host: HttpAdapterHost,
  ) {}

  catch(error: unknown, host: ArgumentsHost): unknown {
    // oxlint-disable-next-line promise/valid-params -- a filter is no promise
    if (error instanceof OidcError) return this.oidc.catch(error, host);
    return this.host.httpAdapter.reply(host.switchToHttp().getResponse(), 'worded by the application', 418);
  }
}

@Controller()
class PagesController {
  @Get('page')
  page(): string {
    return 'page';
  }

  @Public()
  @Get('lost')
  lost(): never {
    throw new NotFoundException();
  }
}

@UseFilters(EverythingFilter)
@Controller('with-filter')
class FilteredController extends PagesController {}

@Module({ controllers: [PagesController], providers: [{ provide: APP_FILTER, useClass: EverythingFilter }] })
class WithGlobalFilter {}

@Module({ controllers: [FilteredController] })
class WithFilter {}

describe.each(platforms)('a filter for all errors, on %s,', (platform) => {
  let stage: Stage;
  afterEach(() => stage.close());

  it.each([
    ['of the application', WithGlobalFilter, ''],
    ['of a controller', WithFilter, '/with-filter'],
  ])('%s leaves the library’s errors to its own', async (_, module, path) => {
    stage = await raise({ platform, imports: [{ module }] });
    const browser = new Browser();
    const { status, location } = await browser.open(`${stage.url}${path}/page`);
    expect([status, location]).toEqual([302, `/auth/login?returnTo=${encodeURIComponent(`${path}/page`)}`]);
    expect((await browser.fetch(`${stage.url}${path}/page`)).json()).toMatchObject({ error: 'login_required' });
    const { status: lost, body } = await browser.open(`${stage.url}${path}/lost`);
    expect([lost, body]).toEqual([418, 'worded by the application']);
  });
});
