import { readFile } from 'node:fs/promises';

/**
 * Files that a page of the documentation tells people to write, by name: code blocks that begin with their file's name
 * (`// main.ts`). So what is written there is what is compiled and run here.
 *
 * @throws when one of `names` is not on the page
 */
export async function codeBlocks(path, names) {
  const blocks = (await readFile(path, 'utf8')).matchAll(/^```[jt]s\n\/\/ (?<name>\S+\.[jt]s)\n(?<text>.*?)^```$/gmsu);
  const files = new Map(Array.from(blocks, ({ groups }) => [groups.name, groups.text]));
  return names.map((name) => {
    const text = files.get(name);
    if (text === undefined) throw new Error(`${path} has no code block that begins with "// ${name}".`);
    return { name, text };
  });
}

/** CommonJS has no `await` outside of functions: what follows the imports goes into one, as everybody would do it. */
export function withoutTopLevelAwait(text) {
  const body = text.search(/^(?!import |$)/mu);
  return `${text.slice(0, body)}async function bootstrap() {\n${text.slice(body)}}\nvoid bootstrap();\n`;
}

/** The same application on Fastify, as Nest's documentation says. */
export function withFastify(text) {
  const create = 'NestFactory.create(AppModule)';
  if (!text.includes(create)) throw new Error(`The README's main.ts has no "${create}".`);
  return `import { FastifyAdapter } from '@nestjs/platform-fastify';\n${text.replace(create, 'NestFactory.create(AppModule, new FastifyAdapter())')}`;
}
