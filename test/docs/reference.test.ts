import { beforeAll, describe, expect, it } from '@jest/globals';
import { format, resolveConfig } from 'prettier';
import { readCatalogue, type Catalogue } from './catalogue.js';
import { read, ROOT } from './snippets.js';

interface OptionsTool {
  optionSections(text: string): readonly { readonly options: readonly { readonly path: string }[] }[];
  optionsPage(text: string): string;
}

// Plain JavaScript: `npm run docs:reference` has nothing to compile.
const tool = '../../scripts/docs-options.js';
const { optionSections, optionsPage } = (await import(tool)) as OptionsTool;

const SOURCE = 'lib/options/oidc-options.ts';
const PAGE = 'docs/reference/options.md';

/** The cells of a page's tables, a row each: those whose first cell is a name in code. */
function rowsOf(page: string): string[][] {
  return read(page)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

describe('the reference of options', () => {
  it('is what the doc comments say: npm run docs:reference writes it', async () => {
    const config = await resolveConfig(`${ROOT}${PAGE}`);
    expect(read(PAGE)).toBe(await format(optionsPage(read(SOURCE)), { ...config, parser: 'markdown' }));
  });

  it('has the options that the README has, and no others', () => {
    const options = optionSections(read(SOURCE)).flatMap((section) => section.options.map(({ path }) => path));
    // The README tells of these objects in one row each.
    const inReference = new Set(options.map((path) => /^(?:clientPrivateKey|routes)\b/u.exec(path)?.[0] ?? path));
    const [, part = ''] = read('README.md').split(/^## Options$/mu);
    const [table = ''] = part.split(/^## /mu);
    const inReadme = Array.from(table.matchAll(/^\| `(?<path>[\w.]+)`/gmu), ({ groups }) => groups?.['path']);
    expect(inReadme.toSorted()).toEqual([...inReference].toSorted());
  });
});

describe('the references of errors and events', () => {
  let catalogue: Catalogue;

  beforeAll(() => {
    catalogue = readCatalogue();
  }, 60_000);

  it('name every code once, with the statuses of its classes', () => {
    const rows = rowsOf('docs/reference/errors.md').map(([code = '', status = '']) => [code, status] as const);
    expect(rows.map(([code]) => code).toSorted()).toEqual([...catalogue.errors.keys()].toSorted());
    const wrong = rows.filter(([code, status]) => !isRight(status, catalogue.errors.get(code) ?? []));
    expect(wrong).toEqual([]);
  });

  it('name every event once, with its level and its fields', () => {
    const rows = rowsOf('docs/reference/events.md').map(([name, level, fields]) => [name, level, fields]);
    const events = Array.from(catalogue.events, ([name, { level, fields }]) => [name, level, fields.join(', ')]);
    expect(rows.toSorted()).toEqual(events.toSorted());
  });
});

/** A class that works its status out says so in words only. */
function isRight(documented: string, statuses: readonly string[]): boolean {
  if (statuses.includes('number')) return /^\d{3}(?:, \d{3})*$/u.test(documented);
  return documented === (statuses.length === 0 ? '–' : [...new Set(statuses)].join(', '));
}
