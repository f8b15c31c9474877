import { BadRequestException, Body, Controller, Get, Header, Post, Req, UseInterceptors } from '@nestjs/common';
import { CurrentUser, TokenService, type Claims } from 'nest-oidc';
import type { Request } from 'express';
import { CostInterceptor } from './cost.interceptor.js';
import { ResourceClient } from './resource.client.js';

interface Note {
  readonly text: string;
}

/** Protected, as every route is that does not say otherwise: the guard is global. */
@Controller('api')
@UseInterceptors(CostInterceptor)
export class ApiController {
  constructor(
    private readonly tokens: TokenService,
    private readonly resource: ResourceClient,
  ) {}

  @Get('profile')
  profile(@CurrentUser() user: Claims): Claims {
    return user;
  }

  /** Passes on what the API says, be it an object, a string or `null`. */
  @Get('resource')
  @Header('Content-Type', 'application/json; charset=utf-8')
  async callResource(@Req() request: Request): Promise<string> {
    const accessToken = await this.tokens.getAccessToken(request);
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
