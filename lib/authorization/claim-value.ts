import type { Claims, ClaimValue } from '../common/claims.js';
import type { ClaimExpectation } from './requirements.js';

/** The claim at a path, by members of its own all the way; `undefined` when there is none. */
export function claimAt(claims: Claims, path: readonly string[]): ClaimValue | undefined {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value as ClaimValue | undefined;
}

/** One text, or those of a list; nothing for anything else. */
export function textsOf(value: ClaimValue | undefined): readonly string[] {
  return [value].flat().filter((item): item is string => typeof item === 'string');
}

/** Whether a claim is as expected; a claim that is a list, by one of its items. A claim that is absent is no value. */
export function isAsExpected(value: ClaimValue | undefined, expected: ClaimExpectation): boolean {
  // Nothing but `true`: the promise of an asynchronous function would let everybody in.
  if (typeof expected === 'function') return expected(value) === true;
  const values = new Set<unknown>([value].flat());
  return [expected].flat().some((choice) => choice !== undefined && values.has(choice));
}
