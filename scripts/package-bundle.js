/**
 * `node package-bundle.js <directory of the unpacked package>`: fails when the main entry loads more files than it should, or
 * when a class is in two files, where an `instanceof` across entries would not recognize it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const MOST_FILES = 2;

const [directory] = process.argv.slice(2);
const dist = join(directory, 'dist');

function filesLoadedBy(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const specifiers = readFileSync(path, 'utf8').matchAll(/^(?:import|export) .*'(?<specifier>\.[^']+)';$/gmu);
  for (const { groups } of specifiers) filesLoadedBy(join(dirname(path), groups.specifier), found);
  return found;
}

/** In which files there is a class of each name. */
function filesByClass() {
  const files = new Map();
  for (const file of readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'))) {
    const classes = readFileSync(join(dist, file), 'utf8').matchAll(
      /^(?:export )?(?:let \w+ = )?class (?<name>\w+)/gmu,
    );
    for (const { groups } of classes) files.set(groups.name, [...(files.get(groups.name) ?? []), file]);
  }
  return files;
}

const loaded = filesLoadedBy(join(dist, 'index.js')).size;
const classes = [...filesByClass()];
const repeated = classes
  .filter(([, files]) => files.length > 1)
  .map(([name, files]) => `${name} (${files.join(', ')})`);
report(loaded <= MOST_FILES, `files that the main entry loads: ${loaded} (limit ${MOST_FILES})`);
report(
  classes.length > 0 && repeated.length === 0,
  `classes: ${classes.length}, twice: ${repeated.join(', ') || 'none'}`,
);

function report(isWell, line) {
  console.log(`${isWell ? '✓' : '✕'} ${line}`);
  if (!isWell) process.exitCode = 1;
}
