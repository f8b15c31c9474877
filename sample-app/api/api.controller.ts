import { BadRequestException, Body, Controller, Get, Header, Post, Query, Req, UseInterceptors } from '@nestjs/common';
import { CurrentUser, TokenService, type Claims } from 'nest-oidc';
import type { Request } from 'express';
import { CostInterceptor } from './cost.interceptor.js';
import { RequestRecorder } from './request-recorder.interceptor.js';
import { ResourceClient } from './resource.client.js';

interface Note {
  readonly text: string;
}

/** Protected, as every route is that does not say otherwise: the guard is global. */
@Controller('api')
@UseInterceptors(RequestRecorder, CostInterceptor)
export class ApiController {
  constructor(
    private readonly tokens: TokenService,
    private readonly resource: ResourceClient,
  ) {}

  @Get('profile')
  profile(@CurrentUser() user: Claims): Claims {
    return user;
  }

  /**
   * Passes on what the API says, be it an object, a string or `null`. With `?renew=1` as if it had refused the token that
   * it was called with: a demonstration does not wait for one to expire.
   */
  @Get('resource')
  @Header('Content-Type', 'application/json; charset=utf-8')
  async callResource(@Req() request: Request, @Query('renew') renew: unknown): Promise<string> {
    const accessToken = await this.tokens.getAccessToken(request, { forceRefresh: renew === '1' });
    return JSON.stringify(await this.resource.fetch(accessToken));
  }

  @Post('notes')
  createNote(@Body() body: unknown): Note {
    if (!isNote(body)) throw new BadRequestException('Send a JSON object with a string named "text".');
    return { text: body.text };
  }
}

function isNote(body: unknown): body is Note {
  return typeof body === 'object' && body !== null && 'text' in body && typeof body.text === 'string';
}
