import { describe, expect, it } from '@jest/globals';
import type { AuthorizationOptions } from 'nest-oidc';
import { resolve } from '../options/valid-options.js';

const pathOf = (rolesClaim: unknown): readonly string[] =>
  resolve({ authorization: { rolesClaim } as AuthorizationOptions }).authorization.rolesClaim;

describe('authorization.rolesClaim', () => {
  it.each([
    [undefined, ['roles']],
    ['groups', ['groups']],
    ['realm_access.roles', ['realm_access', 'roles']],
    [['https://example.com/roles'], ['https://example.com/roles']],
    [
      ['resource_access', 'my.client', 'roles'],
      ['resource_access', 'my.client', 'roles'],
    ],
  ])('given as %j leads along %j', (rolesClaim, path) => {
    expect(pathOf(rolesClaim)).toEqual(path);
  });

  it.each([[''], ['.roles'], ['a..b'], [[]], [['']], [[7]], [7], [{}], ['https://example.com/roles']])(
    'is refused as %j, with the cure',
    (rolesClaim) => {
      expect(() => pathOf(rolesClaim)).toThrow(/authorization\.rolesClaim: must be a/u);
    },
  );

  it('keeps a list of its own', () => {
    const names = ['a'];
    const path = pathOf(names);
    names[0] = 'b';
    expect(path).toEqual(['a']);
    expect(Object.isFrozen(path)).toBe(true);
  });
});
