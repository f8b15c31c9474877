import { Inject, Injectable, RequestMethod } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { RESOLVED_OPTIONS, type ResolvedOptions, type ResolvedRoutes } from './resolved-options.js';

const POSTED: ReadonlySet<keyof ResolvedRoutes> = new Set(['logout', 'backChannelLogout']);

/**
 * Addresses of the application as browsers see them: `baseUrl`, the global prefix, the route. Never taken from a request.
 * The prefix is set on the application after the module is built, hence read when it is needed.
 */
@Injectable()
export class PublicUrls {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
  ) {}

  /** The redirect URI to register at the provider (RFC 6749 §3.1.2). */
  get redirectUri(): string {
    const { base, login } = this.options;
    return base.origin + (this.pathOf('callback') ?? base.path + login.callbackPath);
  }

  /** To register at the provider as well (OpenID Connect RP-Initiated Logout 1.0 §3). */
  get postLogoutRedirectUri(): string {
    return this.options.base.origin + (this.pathOf('postLogout') ?? this.afterLogout);
  }

  /** Path after logout, as a browser sees it. */
  get afterLogout(): string {
    return this.options.base.path + this.options.logout.returnTo;
  }

  /** Default path after login, as a browser sees it. */
  get afterLogin(): string {
    return this.options.base.path + this.options.login.defaultReturnTo;
  }

  /** Path of a route of the auth controller as a browser sees it, `undefined` when it is switched off. */
  pathOf(route: keyof ResolvedRoutes): string | undefined {
    const path = this.servedPathOf(route);
    return path === undefined ? undefined : this.options.base.path + path;
  }

  /** Path of a route of the auth controller as this process sees it: a proxy has taken the path of `baseUrl` away. */
  servedPathOf(route: keyof ResolvedRoutes): string | undefined {
    const path = this.options.routes[route];
    if (path === false) return undefined;
    const method = POSTED.has(route) ? RequestMethod.POST : RequestMethod.GET;
    return this.prefixOf(path, method) + path;
  }

  /** Decides as Nest does: `setGlobalPrefix(prefix, { exclude })`. */
  private prefixOf(path: string, method: RequestMethod): string {
    const { exclude = [] } = this.application.getGlobalPrefixOptions();
    const isExcluded = exclude.some(
      ({ pathRegex, requestMethod }) =>
        (requestMethod === RequestMethod.ALL || requestMethod === method) && pathRegex.test(path),
    );
    const prefix = this.application.getGlobalPrefix().replace(/^\/*|\/*$/gu, '');
    return isExcluded || prefix === '' ? '' : `/${prefix}`;
  }
}
