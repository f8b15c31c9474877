import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { OidcConfigurationError } from '../common/errors.js';

/**
 * Two registrations would share cookies and callback, so that one provider's answer could be taken for the other's (mix-up,
 * RFC 9700 §4.4).
 *
 * @throws OidcConfigurationError when the application registers the module more than once
 */
export function requireRegisteredOnce(module: Type, modules: ModulesContainer): void {
  const registrations = [...modules.values()].filter(({ metatype }) => metatype === module);
  if (registrations.length > 1) {
    throw new OidcConfigurationError([
      `${module.name} is registered ${registrations.length} times; call forRoot or forRootAsync once, in the root module`,
    ]);
  }
}
