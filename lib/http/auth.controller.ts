import { Controller, Get, Inject, Post, Req, Res, UseFilters, VERSION_NEUTRAL, type Type } from '@nestjs/common';
import type { ResolvedRoutes } from '../options/resolved-options.js';
import { AuthService } from './auth.service.js';
import { Public } from './decorators.js';
import { OidcExceptionFilter } from './oidc-exception.filter.js';
import type { PlatformRequest, PlatformResponse } from './platform.js';

/**
 * The auth controller at the application's own paths. A class made for each registration, since Nest keeps paths on the
 * class; the routes are public, and answer for themselves.
 */
export function authControllerAt(routes: ResolvedRoutes): Type<unknown> {
  @Controller({ version: VERSION_NEUTRAL })
  @Public()
  @UseFilters(OidcExceptionFilter)
  class AuthController {
    constructor(@Inject(AuthService) private readonly auth: AuthService) {}

    @At(Get, routes.login)
    login(@Req() request: PlatformRequest, @Res() response: PlatformResponse): Promise<void> {
      return this.auth.login(request, response);
    }

    @At(Get, routes.callback)
    callback(@Req() request: PlatformRequest, @Res() response: PlatformResponse): Promise<void> {
      return this.auth.callback(request, response);
    }

    @At(Post, routes.logout)
    logout(@Req() request: PlatformRequest, @Res() response: PlatformResponse): Promise<void> {
      return this.auth.logout(request, response);
    }

    @At(Get, routes.me)
    me(@Req() request: PlatformRequest, @Res() response: PlatformResponse): Promise<void> {
      return this.auth.me(request, response);
    }

    @At(Post, routes.backChannelLogout)
    backChannelLogout(@Req() request: PlatformRequest, @Res() response: PlatformResponse): Promise<void> {
      return this.auth.backChannelLogout(request, response);
    }

    @At(Get, routes.frontChannelLogout)
    frontChannelLogout(@Req() request: PlatformRequest, @Res() response: PlatformResponse): Promise<void> {
      return this.auth.frontChannelLogout(request, response);
    }

    @At(Get, routes.postLogout)
    postLogout(@Req() request: PlatformRequest, @Res() response: PlatformResponse): void {
      return this.auth.postLogout(request, response);
    }
  }
  return AuthController;
}

/** The method decorator at this path, or none when the route is switched off. */
function At(method: (path: string) => MethodDecorator, path: string | false): MethodDecorator {
  return path === false ? () => undefined : method(path);
}
