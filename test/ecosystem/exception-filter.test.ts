import { afterEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import {
  Catch,
  Controller,
  Get,
  Module,
  NotFoundException,
  Req,
  Res,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { OidcError, OidcExceptionFilter, Public, TokenService, type RequestWithCookies } from 'nest-oidc';
import { Browser } from '../support/browser.js';
import { platforms } from '../support/test-app.js';
import { raise, type Stage } from '../support/stage.js';

/** Answers before it has all that it needs. */
@Controller('begun')
class HastyController {
  constructor(private readonly tokens: TokenService) {}

  @Public()
  @Get('express')
  async express(@Req() request: RequestWithCookies, @Res() response: ServerResponse): Promise<void> {
    response.write('begun, ');
    response.end(await this.tokens.getAccessToken(request));
  }

  @Public()
  @Get('fastify')
  async fastify(@Req() request: RequestWithCookies, @Res() reply: FastifyReply): Promise<void> {
    reply.hijack();
    reply.raw.write('begun, ');
    reply.raw.end(await this.tokens.getAccessToken(request));
  }
}

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

/** Nest's own, as many filters that report errors extend it. */
@Catch()
class ReportingFilter extends BaseExceptionFilter {}

@Module({ controllers: [PagesController], providers: [{ provide: APP_FILTER, useClass: ReportingFilter }] })
class WithReports {}

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

  it('that is Nest’s own answers with the status of the library’s errors, and says nothing more', async () => {
    stage = await raise({ platform, imports: [{ module: WithReports }] });
    const answer = await new Browser().fetch(`${stage.url}/page`);
    expect([answer.status, answer.json()]).toEqual([401, { statusCode: 401, message: 'Nobody is logged in.' }]);
  });
});

describe.each(platforms)('an answer that has begun, on %s,', (platform) => {
  it('ends where the library’s error is thrown, which the log has', async () => {
    const stage = await raise({ platform, controllers: [HastyController] });
    try {
      const answer = await new Browser().fetch(`${stage.url}/begun/${platform}`);
      expect([answer.status, answer.body]).toEqual([200, 'begun, ']);
      const code = 'login_required';
      expect(stage.events).toContainEqual(expect.objectContaining({ name: 'request.failed', code }));
    } finally {
      await stage.close();
    }
  });
});
