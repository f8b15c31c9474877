import { readFile } from 'node:fs/promises';

const SHARED = ['@nestjs/core', 'express', 'fastify', 'redis'];

/** What was measured, by package name: what all subjects share, and the peers' own. */
export async function versions() {
  const { dependencies } = await readJson('./package.json');
  const shared = SHARED.map(async (name) => [
    name,
    (await readJson(`../../node_modules/${name}/package.json`)).version,
  ]);
  return { ...Object.fromEntries(await Promise.all(shared)), ...dependencies };
}

const readJson = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8'));
