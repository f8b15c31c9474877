import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const DIRECTORY = import.meta.dirname;
const ENDING = '.api.txt';

const names = async () => (await readdir(DIRECTORY)).filter((name) => name.endsWith(ENDING));

/** The public types as they were written down, by the name of the entry point. */
export async function readKept() {
  const read = async (name) => [name.slice(0, -ENDING.length), await readFile(join(DIRECTORY, name), 'utf8')];
  return new Map(await Promise.all((await names()).map(read)));
}

export async function writeKept(api) {
  await Promise.all((await names()).map((name) => rm(join(DIRECTORY, name))));
  await Promise.all(Array.from(api, ([name, text]) => writeFile(join(DIRECTORY, `${name}${ENDING}`), text)));
}

/** The lines that are only in one of two texts, as `diff` marks them. */
export function changes(before, after) {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `- ${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ];
}
