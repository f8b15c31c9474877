import type { OidcModuleExtras } from './oidc-options.js';

/** What is given beside the options: Nest must know it before any factory runs. */
export const MODULE_EXTRAS: readonly string[] = [
  'global',
  'globalGuard',
  'routes',
] satisfies readonly (keyof OidcModuleExtras)[];
