import { ConfigurableModuleBuilder, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { authControllerAt } from './http/auth.controller.js';
import { AuthGuard } from './http/auth.guard.js';
import type { OidcModuleExtras, OidcOptions } from './options/oidc-options.js';
import type { ResolvedRoutes } from './options/resolved-options.js';
import { resolveRoutes } from './options/routes.js';

/** Injection token of the {@link ResolvedRoutes}, which are known before the options are. */
export const RESOLVED_ROUTES = Symbol('nest-oidc:resolved-routes');

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<OidcOptions>({
  moduleName: 'Oidc',
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createOidcOptions')
  .setExtras<OidcModuleExtras>({ global: true, globalGuard: true, routes: {} }, (definition, extras) => {
    const routes = resolveRoutes(extras.routes);
    return {
      ...definition,
      global: extras.global !== false,
      controllers: [authControllerAt(routes)],
      providers: [
        ...(definition.providers as Provider[]),
        { provide: RESOLVED_ROUTES, useValue: routes satisfies ResolvedRoutes },
        ...(extras.globalGuard !== false ? [{ provide: APP_GUARD, useExisting: AuthGuard }] : []),
      ],
    };
  })
  .build();
