import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly link?: true; readonly integrity?: string; readonly version?: string }>
  >;
}

const read = <T>(name: string): T => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')) as T;

describe('what the library depends on [SUP-01]', () => {
  const manifest = read<Manifest>('package.json');
  const lock = read<Lock>('package-lock.json');

  it('is the protocol library and the JOSE library, of versions that hold what the tests show', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['jose', 'openid-client']);
    expect(manifest.dependencies['openid-client']).toMatch(/^\^6\.(?:[89]|\d{2,})\./u);
    expect(manifest.dependencies['jose']).toMatch(/^\^6\./u);
    expect(manifest.peerDependencies['@nestjs/core']).toBe('^11.0.0 || ^12.0.0');
  });

  it('is pinned, with a hash of every package', () => {
    const packages = Object.entries(lock.packages).filter(([path, { link }]) => path !== '' && !link);
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
  });

  it.each([
    ['@nestjs/platform-fastify', [11, 1, 24]],
    ['express', [4, 20, 0]],
  ] as const)('is tested with a %s that has no known way around a guard', (name, minimum) => {
    const version = lock.packages[`node_modules/${name}`]?.version?.split('.').map(Number) ?? [];
    expect(compare(version, minimum)).toBeGreaterThanOrEqual(0);
  });
});

function compare(left: readonly number[], right: readonly number[]): number {
  const differing = left.findIndex((part, index) => part !== right[index]);
  return differing === -1 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
}
