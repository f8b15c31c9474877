/** `node package-size.js <tarball> <directory it is unpacked in>`: what an application installs with the library. Fails when it has become much more. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const LIMITS = { 'packed, kB': 250, 'unpacked, kB': 1000, files: 250, 'packages at runtime': 4 };

const [tarball, directory] = process.argv.slice(2);
const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')).packages;

/** Everything that comes along, dependencies of dependencies too. Peers are the application's own. */
function runtimePackages() {
  const found = new Set(Object.keys(lock[''].dependencies));
  for (const name of found) {
    for (const dependency of Object.keys(lock[`node_modules/${name}`].dependencies ?? {})) found.add(dependency);
  }
  return [...found].toSorted();
}

const kilobytes = (bytes) => Math.ceil(bytes / 1000);
const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
const packages = runtimePackages();
const sizes = {
  'packed, kB': kilobytes(statSync(tarball).size),
  'unpacked, kB': kilobytes(bytes),
  files: files.length,
  'packages at runtime': packages.length,
};
for (const [name, limit] of Object.entries(LIMITS)) {
  const note = name === 'packages at runtime' ? `: ${packages.join(', ')}` : '';
  const isWithin = sizes[name] <= limit;
  console.log(`${isWithin ? '✓' : '✕'} ${name}: ${sizes[name]} (limit ${limit})${note}`);
  if (!isWithin) process.exitCode = 1;
}
