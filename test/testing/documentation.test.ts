import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';

const DOCUMENT = new URL('../../docs/recipes/testing.md', import.meta.url);
const RECIPES = new URL('recipes/', import.meta.url);

describe('the page about testing', () => {
  it('shows the files that are compiled and run here', async () => {
    const blocks = (await readFile(DOCUMENT, 'utf8')).matchAll(/^```ts\n\/\/ (?<name>\S+)\n(?<text>.*?)^```$/gmsu);
    const shown = new Map(Array.from(blocks, ({ groups }) => [groups?.['name'], groups?.['text']]));
    const names = await readdir(RECIPES);
    expect(names).toHaveLength(5);
    for (const name of names) expect(shown.get(name)).toBe(await readFile(new URL(name, RECIPES), 'utf8'));
  });
});
