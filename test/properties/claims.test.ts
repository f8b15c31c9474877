import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deepFreeze, type Claims } from '../../lib/common/claims.js';
import { withUserInfo } from '../../lib/provider/id-token.js';
import { anyJson, anyMembers, anyText, holds, objectOf } from './property.js';

/** What says what an ID token is (security.md, UIN-03), and what a merge must not take for a member. */
const PROTECTED = [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nonce',
  'auth_time',
  'acr',
  'amr',
  'azp',
  'sid',
  'at_hash',
  'events',
];

const idTokenClaims = fc
  .tuple(anyMembers, fc.subarray(PROTECTED), anyText(20))
  .map(
    ([members, names, value]) =>
      objectOf([...Object.entries(members), ...names.map((name) => [name, value] as const)]) as Claims,
  );
const userInfo = fc
  .tuple(
    anyMembers,
    fc.array(fc.tuple(fc.constantFrom(...PROTECTED, '__proto__', 'constructor'), anyJson), { maxLength: 6 }),
  )
  .map(([members, more]) => objectOf([...Object.entries(members), ...more]));

const protectedOf = (claims: Claims): unknown => PROTECTED.map((name) => [Object.hasOwn(claims, name), claims[name]]);

function isFrozenAllTheWay(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozenAllTheWay);
}

describe('claims', () => {
  it('of UserInfo never overwrite or add a protocol claim [UIN-03]', () => {
    holds(
      fc.property(idTokenClaims, userInfo, (claims, answer) => {
        const merged = withUserInfo(claims, answer);
        expect(protectedOf(merged)).toEqual(protectedOf(claims));
      }),
      700,
    );
  });

  it('of UserInfo are all there otherwise, before those of the ID token', () => {
    holds(
      fc.property(idTokenClaims, userInfo, (claims, answer) => {
        const merged = withUserInfo(claims, answer);
        const added = Object.keys(answer).filter((name) => ![...PROTECTED, 'nbf', 'jti', '__proto__'].includes(name));
        expect(added.filter((name) => merged[name] !== answer[name])).toEqual([]);
        expect(Object.keys(claims).filter((name) => !Object.hasOwn(merged, name))).toEqual([]);
      }),
      400,
    );
  });

  it('pollute no prototype and change neither the ID token’s nor those of UserInfo [TYP-01]', () => {
    const pristine = JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort());
    holds(
      fc.property(idTokenClaims, userInfo, (claims, answer) => {
        const before = JSON.stringify([claims, answer]);
        const merged = deepFreeze(withUserInfo(claims, answer));
        expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
        expect(JSON.stringify([claims, answer])).toBe(before);
        expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype).sort())).toBe(pristine);
        expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
      }),
      400,
    );
  });

  it('are frozen all the way down, and say the same [NST-03]', () => {
    holds(
      fc.property(anyJson, (value) => {
        const before = JSON.stringify(value);
        const frozen = deepFreeze(value);
        expect(isFrozenAllTheWay(frozen)).toBe(true);
        expect(JSON.stringify(frozen)).toBe(before);
      }),
      400,
    );
  });
});
