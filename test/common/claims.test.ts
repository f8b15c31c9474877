import { describe, expect, it } from '@jest/globals';
import { copyOfClaims, deepFreeze, type Claims } from '../../lib/common/claims.js';

describe('copyOfClaims', () => {
  it('is another object with the same in it, and frozen [NST-03]', () => {
    const claims = deepFreeze({ iss: 'https://login.example', sub: 'a', roles: ['x'] });
    const copy = copyOfClaims(claims);
    expect(copy).toEqual(claims);
    expect(copy).not.toBe(claims);
    expect(Object.isFrozen(copy)).toBe(true);
  });

  it('inherits nothing from a claim that is named like the prototype', () => {
    const claims = deepFreeze(JSON.parse('{"iss":"i","sub":"a","__proto__":{"admin":true}}') as Claims);
    const copy = copyOfClaims(claims);
    expect(copy['admin']).toBeUndefined();
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(claims));
  });
});

describe('deepFreeze', () => {
  it('freezes a value all the way down [NST-03]', () => {
    const claims = deepFreeze({ sub: 'a', address: { lines: [{ street: 'x' }] }, nothing: null });
    expect(() => Object.assign(claims, { sub: 'b' })).toThrow(TypeError);
    expect(() => claims.address.lines.push({ street: 'y' })).toThrow(TypeError);
    expect(() => Object.assign(claims.address.lines[0] as object, { street: 'y' })).toThrow(TypeError);
  });

  it('ends on a value that holds itself', () => {
    const claims: Record<string, unknown> = {};
    claims['self'] = claims;
    expect(Object.isFrozen(deepFreeze(claims))).toBe(true);
  });
});
