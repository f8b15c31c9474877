import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const textOf = (file: string): string => readFileSync(HERE + file, 'utf8');

interface Row {
  readonly module: string;
  /** `undefined` where the module does not apply. */
  readonly file: string | undefined;
  readonly reason: string | undefined;
}

const rows: readonly Row[] = [
  ...textOf('README.md').matchAll(/^\| `(oidcc-[\w-]+)` *\| [\w, -]+ \| (.+?) *\|$/gmu),
].map(([, module = '', here = '']) => ({
  module,
  file: /^`([\w-]+\.test\.ts)`: pass\b/u.exec(here)?.[1],
  reason: /^not applicable: (.{10,})$/u.exec(here)?.[1],
}));

/** Modules that begin the title of a test, with the test's file. */
const tested: readonly (readonly [module: string, file: string])[] = readdirSync(HERE)
  .filter((file) => file.endsWith('.test.ts'))
  .flatMap((file) =>
    [...textOf(file).matchAll(/['"](oidcc-[\w-]+): /gu)].map(([, module = '']) => [module, file] as const),
  );

const sorted = (modules: readonly (readonly string[])[]): string[] => modules.map((each) => each.join(' in ')).sort();

describe('the table of the conformance suite’s modules', () => {
  it('names the test of every module that is re-enacted, and no other', () => {
    expect(tested.length).toBeGreaterThan(0);
    expect(sorted(rows.flatMap(({ module, file }) => (file === undefined ? [] : [[module, file]])))).toEqual(
      sorted(tested),
    );
  });

  it('gives a reason for every module that is not', () => {
    expect(rows.filter(({ file, reason }) => (file === undefined) === (reason === undefined))).toEqual([]);
  });

  it('has one row for each module', () => {
    const modules = rows.map(({ module }) => module);
    expect(modules).toEqual([...new Set(modules)]);
    expect(modules).toHaveLength(textOf('README.md').match(/^\| `/gmu)?.length ?? 0);
  });
});
