import {
  Body,
  Controller,
  Get,
  Post,
  Req,
  UseGuards,
  type INestApplication,
  type NestApplicationOptions,
  type Type,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  AuthGuard,
  CurrentSession,
  CurrentUser,
  OidcModule,
  OptionalAuth,
  Public,
  TokenService,
  type Claims,
  type OidcEvent,
  type OidcModuleExtras,
  type OidcOptions,
  type RequestWithCookies,
  type Session,
} from 'nest-oidc';
import { CLIENT_ID, CLIENT_SECRET } from './test-provider.js';

export const SECRET = 'q7Rk-a-secret-that-only-tests-use-ZmX2';

export const platforms = ['express', 'fastify'] as const;
export type PlatformName = (typeof platforms)[number];

@Controller()
export class TestController {
  constructor(private readonly tokens: TokenService) {}

  @Public()
  @Get()
  home(): string {
    return 'home';
  }

  @OptionalAuth()
  @Get('maybe')
  maybe(@CurrentUser('sub') sub: string | undefined): { sub: string | null } {
    return { sub: sub ?? null };
  }

  @OptionalAuth()
  @Post('maybe')
  change(): Record<string, never> {
    return {};
  }

  @Get('profile')
  profile(@CurrentUser() user: Claims | undefined, @CurrentSession() session: Session | undefined): unknown {
    return { user, session: session?.id };
  }

  @UseGuards(AuthGuard)
  @Get('guarded')
  guarded(@CurrentUser('sub') sub: string): unknown {
    return { sub };
  }

  @Get('token')
  async token(@Req() request: RequestWithCookies): Promise<{ accessToken: string }> {
    return { accessToken: await this.tokens.getAccessToken(request) };
  }

  @Post('notes')
  create(@Body() body: unknown): unknown {
    return body;
  }
}

export interface TestApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly events: OidcEvent[];
  close(): Promise<void>;
}

export interface TestAppOptions {
  readonly platform?: PlatformName;
  readonly port: number;
  readonly issuer: string;
  readonly options?: Partial<OidcOptions>;
  readonly extras?: OidcModuleExtras;
  /** Beside the {@link TestController}. */
  readonly controllers?: readonly Type[];
  /** Before the application listens: a global prefix, versioning, pipes. */
  readonly prepare?: (app: INestApplication) => void;
  /** Of the application itself, e.g. `bodyParser`. */
  readonly nest?: NestApplicationOptions;
}

/** A small application as a user would write it, on a real port. */
export async function startApp({
  platform = 'express',
  port,
  issuer,
  options,
  extras,
  controllers = [],
  prepare,
  nest,
}: TestAppOptions): Promise<TestApp> {
  const events: OidcEvent[] = [];
  const url = `http://localhost:${port}`;
  const module = await Test.createTestingModule({
    imports: [
      OidcModule.forRootAsync({
        ...extras,
        useFactory: (): OidcOptions => ({
          issuer,
          clientId: CLIENT_ID,
          clientSecret: CLIENT_SECRET,
          baseUrl: url,
          secret: SECRET,
          allowInsecure: true,
          onEvent: (event) => events.push(event),
          ...options,
        }),
      }),
    ],
    controllers: [TestController, ...controllers],
  }).compile();
  const app = module.createNestApplication(platform === 'express' ? new ExpressAdapter() : new FastifyAdapter(), {
    logger: false,
    ...nest,
  });
  prepare?.(app);
  await app.listen(port);
  return { app, url, events, close: () => app.close() };
}
