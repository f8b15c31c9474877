import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RECORDS = join(ROOT, 'coverage/requirements');
const TAG = /\[([A-Z]{2,4}-\d+)\]/gu;

/** The requirement ids in a title. */
export function tagsOf(title) {
  return [...title.matchAll(TAG)].map(([, id]) => id);
}

export function withoutTags(title) {
  return title.replace(TAG, '').replace(/\s+/gu, ' ').trim();
}

/**
 * What the last run of a test file found out about its tagged tests: `{ path, line, status }` each, `path` being the
 * titles from the outermost describe to the test. Another run of the file replaces it.
 */
export async function writeRecord(file, tests) {
  const path = join(RECORDS, `${file.replaceAll('/', '__')}.json`);
  if (tests.length === 0) return rm(path, { force: true });
  await mkdir(RECORDS, { recursive: true });
  await writeFile(path, JSON.stringify({ file, tests }, undefined, 1));
}

/** The tagged tests of all runs, in the order of their files, with `file` each. Files that are gone do not count. */
export async function readRecords() {
  const names = existsSync(RECORDS) ? (await readdir(RECORDS)).sort() : [];
  const records = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(RECORDS, name), 'utf8'))));
  return records
    .filter(({ file }) => existsSync(join(ROOT, file)))
    .flatMap(({ file, tests }) => tests.map((test) => ({ file, ...test })));
}

export function fileName(path) {
  return path.slice(ROOT.length).replaceAll('\\', '/');
}
