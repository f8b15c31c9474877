/** Writes docs/reference/options.md from the doc comments of the options. `test/docs` says when it has to. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { optionsPage } from './docs-options.js';

const ROOT = new URL('../', import.meta.url);
const PAGE = fileURLToPath(new URL('docs/reference/options.md', ROOT));

const text = optionsPage(await readFile(new URL('lib/options/oidc-options.ts', ROOT), 'utf8'));
await writeFile(PAGE, await format(text, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
