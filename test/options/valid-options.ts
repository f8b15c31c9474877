import { OidcConfigurationError } from '../../lib/common/errors.js';
import type { AuthRoutes, OidcOptions } from '../../lib/options/oidc-options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { ResolvedOptions } from '../../lib/options/resolved-options.js';
import { resolveRoutes } from '../../lib/options/routes.js';

export const SECRET = 'hF3-kq9Zx_2vLw8RtYbN5sMd7PgJc0Ae';
export const OLDER_SECRET = 'Pz4-nd1Qw_6mKu3XsVaG8rBf9HjTc5Le';

/** The least an application can write. */
export const VALID: OidcOptions = {
  issuer: 'https://login.example.com',
  clientId: 'app',
  clientSecret: 'client-secret',
  baseUrl: 'https://app.example.com',
  secret: SECRET,
};

/** Options as JavaScript could write them: any key, any value. `undefined` takes a key away. */
export type Loose = Readonly<Record<string, unknown>>;

export function looseOptions(changes: Loose = {}): OidcOptions {
  const entries = Object.entries({ ...VALID, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as OidcOptions;
}

export function resolve(changes: Loose = {}, routes: Loose = {}): ResolvedOptions {
  return resolveOptions(looseOptions(changes), resolveRoutes(routes as AuthRoutes));
}

/** What is wrong with the options, in the words of the error. */
export function problemsOf(changes: Loose, routes: Loose = {}): readonly string[] {
  try {
    resolve(changes, routes);
    return [];
  } catch (error) {
    if (error instanceof OidcConfigurationError) return error.problems;
    throw error;
  }
}
