import { describe, expect, it } from '@jest/globals';

interface Row {
  readonly id: string;
  readonly priority: 'M' | 'S' | 'C';
  readonly requirement: string;
  readonly reviewed?: string;
  readonly notApplicable?: string;
  readonly open?: string;
}

interface Test {
  readonly file: string;
  readonly path: readonly string[];
  readonly line: number;
  readonly status: string;
}

interface Tool {
  problemsOf(areas: readonly { rows: readonly Row[] }[], tests: readonly Test[]): string[];
  securityTable(areas: readonly { title: string; rows: readonly Row[] }[], tests: readonly Test[]): string;
}

// Plain JavaScript: `npm run security:table` has nothing to compile.
const [tool, list] = ['./security-table.js', './requirements.js'];
const { problemsOf, securityTable } = (await import(tool)) as Tool;
const { areas } = (await import(list)) as { areas: readonly { rows: readonly Row[] }[] };

const must: Row = { id: 'CB-01', priority: 'M', requirement: 'The state is compared.' };
const proof: Test = { file: 'test/a.test.ts', path: ['a callback', 'is refused [CB-01]'], line: 7, status: 'passed' };
const titled = (...path: string[]): Test => ({ ...proof, path });
const problems = (row: Row, ...tests: Test[]): string[] => problemsOf([{ rows: [row] }], tests);
const rowOf = (row: Row, ...tests: Test[]): string =>
  securityTable([{ title: 'Area', rows: [row] }], tests)
    .split('\n')
    .find((line) => line.startsWith(`| ${row.id} `)) ?? '';

describe('the check of the security requirements', () => {
  it('is content with a test that passed, at any level of titles', () => {
    expect(problems(must, proof)).toEqual([]);
    expect(problems(must, { ...proof, path: ['a callback [CB-01]', 'is refused'] })).toEqual([]);
  });

  it('misses a test of what must hold, not of what should', () => {
    expect(problems(must)).toEqual(['CB-01 has no test: The state is compared.']);
    expect(problems({ ...must, priority: 'S' })).toEqual([]);
  });

  it('is content with a must that was reviewed or does not apply, not with one that is open', () => {
    expect(problems({ ...must, reviewed: 'Read.' })).toEqual([]);
    expect(problems({ ...must, notApplicable: 'There is none.' })).toEqual([]);
    expect(problems({ ...must, open: 'Not yet.' })).toHaveLength(1);
  });

  it.each(['failed', 'pending', 'todo'])('refuses a test that is %s', (status) => {
    expect(problems(must, proof, { ...proof, line: 9, status })).toEqual([expect.stringContaining(status)]);
  });

  it('refuses an id that is no requirement', () => {
    expect(problems(must, { ...proof, path: ['is refused [CB-01] [CB-99]'] })).toEqual([
      expect.stringContaining('[CB-99]'),
    ]);
  });

  it('refuses a test of what does not apply', () => {
    expect(problems({ ...must, notApplicable: 'There is none.' }, proof)).toHaveLength(1);
  });
});

describe('the table of the security requirements', () => {
  it('names the test and its file, without ids', () => {
    expect(rowOf(must, proof)).toBe(
      '| CB-01 | M | The state is compared. | [a](../test/a.test.ts): a callback › is refused | passed |',
    );
  });

  it('has one line for all rows of a test, and for all tests of a describe', () => {
    const [x, y] = [
      titled('a callback', 'with x is refused [CB-01]'),
      titled('a callback', 'with y z is refused [CB-01]'),
    ];
    expect(rowOf(must, x, y)).toContain(': a callback › with … is refused |');
    const [one, two] = [titled('a callback [CB-01]', 'one'), titled('a callback [CB-01]', 'two')];
    expect(rowOf(must, one, { ...two, line: 9 })).toContain(': a callback |');
  });

  it('shows what failed, what is open and what nothing shows', () => {
    expect(rowOf(must, { ...proof, status: 'failed' })).toContain('| **failed** |');
    expect(rowOf({ ...must, open: 'Not yet.' })).toContain('| Not yet. | **open** |');
    expect(rowOf(must)).toContain('| – | **no test** |');
  });

  it('keeps a title from breaking it', () => {
    expect(rowOf(must, { ...proof, path: ['a | <b> *c* [CB-01]'] })).toContain('a \\| &lt;b\\> \\*c\\* |');
  });
});

describe('the list of the security requirements', () => {
  const rows = areas.flatMap((area) => area.rows);

  it('names each once, briefly', () => {
    expect(rows.length).toBeGreaterThan(150);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(rows.filter(({ requirement }) => requirement.length > 140)).toEqual([]);
  });

  it('leaves no must open', () => {
    expect(rows.filter(({ priority, open }) => priority === 'M' && open !== undefined)).toEqual([]);
  });
});
