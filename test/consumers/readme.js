import { readFile } from 'node:fs/promises';

/**
 * The files of the README's first example, by name: code blocks that begin with their file's name (`// main.ts`). So what
 * the README tells people to write is what is compiled and run here.
 *
 * @throws when one of `names` is not in the README
 */
export async function readmeFiles(path, names) {
  const blocks = (await readFile(path, 'utf8')).matchAll(/^```ts\n\/\/ (?<name>\S+\.ts)\n(?<text>.*?)^```$/gmsu);
  const files = new Map(Array.from(blocks, ({ groups }) => [groups.name, groups.text]));
  return names.map((name) => {
    const text = files.get(name);
    if (text === undefined) throw new Error(`The README has no code block that begins with "// ${name}".`);
    return { name, text };
  });
}

/** CommonJS has no `await` outside of functions: what follows the imports goes into one, as everybody would do it. */
export function withoutTopLevelAwait(text) {
  const body = text.search(/^(?!import |$)/mu);
  return `${text.slice(0, body)}async function bootstrap() {\n${text.slice(body)}}\nvoid bootstrap();\n`;
}
