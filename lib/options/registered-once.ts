import type { InjectionToken, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { OidcConfigurationError } from '../common/errors.js';

/** The module as a class has nothing of what its registration brings: options, routes, the guard. */
export function importedWithoutOptions(module: string): OidcConfigurationError {
  return new OidcConfigurationError([
    `${module} is imported without options; call forRoot, forRootAsync or forEnv once, in the root module; ` +
      'it is global, so that feature modules need not import it',
  ]);
}

/**
 * Two registrations would share cookies and callback, so that one provider's answer could be taken for the other's (mix-up,
 * RFC 9700 §4.4).
 *
 * @param brought the injection token of something that every registration brings
 * @throws OidcConfigurationError when the application registers the module more than once, or imports it as a class beside
 */
export function requireRegisteredOnce(module: Type, brought: InjectionToken, modules: ModulesContainer): void {
  const registrations = [...modules.values()].filter(({ metatype }) => metatype === module);
  if (registrations.some(({ providers }) => !providers.has(brought))) throw importedWithoutOptions(module.name);
  if (registrations.length > 1) {
    throw new OidcConfigurationError([
      `${module.name} is registered ${registrations.length} times; call forRoot, forRootAsync or forEnv once, ` +
        'in the root module',
    ]);
  }
}
