import { Controller, Get, Inject, Module, Post, Req } from '@nestjs/common';
import { CurrentUser, OidcModule, TokenService, type OidcOptions, type RequestWithCookies } from 'nest-oidc';

@Controller('orders')
export class OrdersController {
  constructor(@Inject(TokenService) private readonly tokens: TokenService) {}

  @Get()
  list(@CurrentUser('sub') user: string): { user: string } {
    return { user };
  }

  @Post()
  async create(@Req() request: RequestWithCookies): Promise<{ authorized: boolean }> {
    const accessToken = await this.tokens.getAccessToken(request); // for the API that keeps the orders
    return { authorized: accessToken.length > 0 };
  }
}

@Module({
  imports: [
    OidcModule.forRootAsync({
      useFactory: (): OidcOptions => ({
        issuer: process.env['OIDC_ISSUER'] ?? 'http://localhost:8080',
        clientId: 'shop',
        clientSecret: process.env['OIDC_CLIENT_SECRET'] ?? 'shop-secret-for-development',
        baseUrl: process.env['APP_URL'] ?? 'http://localhost:3000',
        secret: process.env['SESSION_SECRET'] ?? 'T4x-only-for-development-b9Wm2kQe',
        allowInsecure: process.env['NODE_ENV'] !== 'production',
      }),
    }),
  ],
  controllers: [OrdersController],
})
export class AppModule {}
