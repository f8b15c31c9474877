import { ModulesContainer } from '@nestjs/core';

/** The library's own provider with this class name, of an application: the package exports no such class. */
export function internalOf(app, name) {
  for (const { providers } of app.get(ModulesContainer, { strict: false }).values()) {
    for (const { metatype, instance } of providers.values()) if (metatype?.name === name) return instance;
  }
  throw new Error(`The application has no ${name}.`);
}
