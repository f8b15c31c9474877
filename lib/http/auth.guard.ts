import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { UnsupportedContextError } from '../common/errors.js';
import { setCurrentSession } from './current-session.js';
import { ACCESS_METADATA, SKIP_ORIGIN_CHECK_METADATA, type Access } from './decorators.js';
import type { PlatformRequest } from './platform.js';
import { RequestAuthenticator } from './request-authenticator.js';

/**
 * Lets a request through when its user is logged in. Closed by default: `@Public()` and `@OptionalAuth()` open a route,
 * on a method before its class. A request that changes state must come from one of our own pages, unless the route has
 * `@SkipOriginCheck()`.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator,
  ) {}

  /**
   * @throws LoginRequiredError, CrossOriginRequestError, UnsupportedContextError, StoreUnavailableError,
   *   RefreshUnavailableError
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.metadataOf<Access>(ACCESS_METADATA, context);
    if (access === 'public') return true;
    if (context.getType() !== 'http') throw new UnsupportedContextError(context.getType());
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const pages = this.metadataOf<boolean>(SKIP_ORIGIN_CHECK_METADATA, context) ? 'any' : 'own';
    const session =
      access === 'optional'
        ? await this.authenticator.find(request, pages)
        : await this.authenticator.require(request, pages);
    if (session) setCurrentSession(request, session);
    return true;
  }

  private metadataOf<T>(key: string, context: ExecutionContext): T | undefined {
    return this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
  }
}
