import { OidcConfigurationError } from '../../lib/common/errors.js';

/** What the configuration error of `create` names; nothing when there is none. */
export function problemsOf(create: () => unknown): readonly string[] {
  try {
    create();
    return [];
  } catch (error) {
    if (error instanceof OidcConfigurationError) return error.problems;
    throw error;
  }
}
