import type { ClaimValue } from '../common/claims.js';

/** What a claim must be: this value, one of these, or what the function takes. */
export type ClaimExpectation =
  string | number | boolean | readonly (string | number | boolean)[] | ((value: ClaimValue | undefined) => boolean);

/** What a route asks of its user beside being logged in. */
export type Requirement =
  | { readonly kind: 'scopes'; readonly scopes: readonly string[] }
  | { readonly kind: 'roles'; readonly roles: readonly string[] }
  | { readonly kind: 'claims'; readonly claims: ReadonlyMap<string, ClaimExpectation> };

export const REQUIREMENTS_METADATA = 'nest-oidc:requirements';

/** Several on one target must all hold; the method's of a kind stand in the place of its class's of that kind. */
export function effectiveRequirements(
  ofMethod: readonly Requirement[] = [],
  ofClass: readonly Requirement[] = [],
): readonly Requirement[] {
  const kinds = new Set(ofMethod.map(({ kind }) => kind));
  return [...ofMethod, ...ofClass.filter(({ kind }) => !kinds.has(kind))];
}
