/**
 * Writes docs/security.md from the requirements and the last results of the tests; with `--check`, only says whether it
 * would change and whether every requirement that must hold is shown to hold.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { readRecords } from './records.js';
import { areas } from './requirements.js';
import { problemsOf, securityTable } from './security-table.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/security.md', import.meta.url));

const tests = await readRecords();
const config = await resolveConfig(DOCUMENT);
const wanted = await format(securityTable(areas, tests), { ...config, parser: 'markdown' });
const problems = problemsOf(areas, tests);
if (process.argv.includes('--check')) {
  const present = await readFile(DOCUMENT, 'utf8').catch(() => '');
  if (present !== wanted) problems.push('docs/security.md is not what the tests say: run npm run security:table');
  process.exitCode = problems.length > 0 ? 1 : 0;
} else {
  await writeFile(DOCUMENT, wanted);
}
for (const problem of problems) console.error(`✕ ${problem}`);
const rows = areas.flatMap((area) => area.rows);
console.log(`${rows.length} requirements, ${tests.length} tests that carry one, ${problems.length} problems`);
