import { tagsOf, withoutTags } from './records.js';

const LONGEST_TITLE = 140;
const MOST_TESTS = 4;

const INTRODUCTION = `# Security requirements and what shows that they hold

This page is made by \`npm run security:table\` from the tests themselves; \`npm test\` fails when it is not up to date.
What is defended against whom is in [SECURITY.md](../SECURITY.md).

Each row is something that an attacker, or somebody who tests from outside, could find broken. **M** must hold, **S**
should, **C** could. A test that proves a row carries its id in its title, and the last run of all tests says whether it
passed: a must without a passing test fails \`npm test\`, unless no test can show it from outside (_reviewed_) or the
feature it is about does not exist (_not applicable_). A row that is _open_ is known not to hold; one without a test may
hold, but nothing here shows it.
`;

/** What is wrong with the requirements as they are tested, in words. */
export function problemsOf(areas, tests) {
  const rows = areas.flatMap((area) => area.rows);
  const known = new Set(rows.map(({ id }) => id));
  const tagged = new Set(tests.flatMap(({ path }) => tagsOf(path.join(' '))));
  return [
    ...[...tagged].filter((id) => !known.has(id)).map((id) => `[${id}] is no requirement, but a test carries it`),
    ...tests
      .filter(({ status }) => status !== 'passed')
      .map((test) => `${test.status}: ${test.file}: ${test.path.join(' › ')}`),
    ...rows
      .filter((row) => row.notApplicable && tagged.has(row.id))
      .map(({ id }) => `${id} is not applicable, but a test carries it`),
    ...rows
      .filter((row) => row.priority === 'M' && isBare(row, tagged))
      .map(({ id, requirement }) => `${id} has no test: ${requirement}`),
  ];
}

function isBare({ id, reviewed, notApplicable }, tagged) {
  return !tagged.has(id) && !reviewed && !notApplicable;
}

/** The document, in Markdown. */
export function securityTable(areas, tests) {
  const parts = areas.map(({ title, rows }) => {
    const lines = rows.map((row) => `| ${cellsOf(row, tests).join(' | ')} |`);
    return [
      `## ${title}`,
      // Aligned columns would change every line of a table with any of them.
      `<!-- prettier-ignore-start -->\n\n| Id | P | Requirement | Shown by | Result |\n| --- | --- | --- | --- | --- |\n${lines.join('\n')}\n\n<!-- prettier-ignore-end -->`,
    ].join('\n\n');
  });
  return `${[INTRODUCTION.trim(), ...parts].join('\n\n')}\n`;
}

function cellsOf(row, tests) {
  const own = tests.filter(({ path }) => tagsOf(path.join(' ')).includes(row.id));
  return [row.id, row.priority, escaped(row.requirement), shownBy(row, own), resultOf(row, own)];
}

function shownBy({ id, reviewed, notApplicable, open }, own) {
  const titles = titlesOf(id, own);
  const shown = titles.slice(0, MOST_TESTS);
  if (titles.length > MOST_TESTS) shown.push(`and ${titles.length - MOST_TESTS} more`);
  const words = reviewed ?? notApplicable ?? open;
  if (words) shown.push(words.replaceAll('|', '\\|'));
  return shown.join('<br>') || '–';
}

function resultOf({ reviewed, notApplicable, open }, own) {
  if (own.some(({ status }) => status !== 'passed')) return '**failed**';
  if (open) return '**open**';
  if (own.length > 0) return 'passed';
  if (reviewed) return 'reviewed';
  return notApplicable ? 'not applicable' : '**no test**';
}

/**
 * One line per test as it is written: the rows of `it.each` share theirs. All tests of a tagged describe are one, named by
 * the line of its first test, since describes have none; so those of `describe.each` are one as well.
 */
function titlesOf(id, tests) {
  const groups = new Map();
  const lines = new Map();
  for (const { file, path, line } of tests) {
    const depth = path.findIndex((title) => tagsOf(title).includes(id)) + 1;
    const titles = path.slice(0, depth).map(withoutTags);
    const place = [file, ...titles].join('\n');
    if (!lines.has(place)) lines.set(place, line);
    const key = `${file} ${depth} ${lines.get(place)}`;
    groups.set(key, [...(groups.get(key) ?? []), { file, titles }]);
  }
  return [...new Set([...groups.values()].map(titleOf))];
}

function titleOf([{ file, titles }, ...others]) {
  const words = titles.map((_, level) => common([titles[level], ...others.map((other) => other.titles[level])]));
  const name = file.replace(/^test\//u, '').replace(/\.test\.ts$/u, '');
  return `[${name}](../${file}): ${escaped(shortened(words))}`;
}

/** The words at the beginning and at the end that all titles share. */
function common(titles) {
  const all = titles.map((title) => title.split(' '));
  const [first] = all;
  const differs = (at) => all.some((words) => words.at(at) !== first.at(at));
  let start = 0;
  while (start < first.length && !differs(start)) start += 1;
  if (start === first.length && all.every((words) => words.length === start)) return titles[0];
  let end = 0;
  const room = Math.min(...all.map((words) => words.length)) - start;
  while (end < room && !differs(-end - 1)) end += 1;
  return [...first.slice(0, start), '…', ...(end === 0 ? [] : first.slice(-end))].join(' ');
}

/** The innermost title matters most. */
function shortened(titles) {
  let [text, ...outer] = titles.toReversed();
  while (outer.length > 0 && outer[0].length + text.length < LONGEST_TITLE) text = `${outer.shift()} › ${text}`;
  return text.length <= LONGEST_TITLE ? text : `${text.slice(0, LONGEST_TITLE - 1)}…`;
}

function escaped(text) {
  return text.replace(/[\\|*_`[\]<>&~]/gu, (character) => (character === '<' ? '&lt;' : `\\${character}`));
}
