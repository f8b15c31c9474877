import { describe, expect, it } from '@jest/globals';
import { deepFreeze } from '../../lib/common/claims.js';

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
