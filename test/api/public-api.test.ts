import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

interface Tool {
  publicApi(root: string): ReadonlyMap<string, string>;
}

interface Kept {
  readKept(): Promise<ReadonlyMap<string, string>>;
  changes(before: string, after: string): readonly string[];
}

// Plain JavaScript: `npm run api:update` has nothing to compile.
const [tool, kept] = ['./public-api.js', './kept.js'];
const { publicApi } = (await import(tool)) as Tool;
const { readKept, changes } = (await import(kept)) as Kept;

const ADVICE =
  'The public types have changed. If they are meant to: a line in CHANGELOG.md says so, and `npm run api:update` writes them down.';

describe('the public types', () => {
  it('are those that are written down, for every entry point', async () => {
    const [now, before] = [publicApi(fileURLToPath(new URL('../../', import.meta.url))), await readKept()];
    const differences: string[] = [];
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      const [old, text] = [before.get(name) ?? '', now.get(name) ?? ''];
      if (old !== text) differences.push(`${name}:`, ...changes(old, text));
    }
    if (differences.length > 0) throw new Error([ADVICE, ...differences].join('\n'));
    expect(now.size).toBeGreaterThan(0);
  }, 120_000);
});
