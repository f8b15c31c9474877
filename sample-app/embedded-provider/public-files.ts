import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { PUBLIC_DIRECTORY } from '../public-directory.js';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The styles and scripts that the provider's pages share with the app's. */
export async function sendPublicFile(response: ServerResponse, path: string): Promise<void> {
  const [, name] = /^\/assets\/([\w-]+\.\w+)$/u.exec(path) ?? [];
  const type = TYPES[extname(name ?? '')];
  const content = name === undefined ? undefined : await readFile(join(PUBLIC_DIRECTORY, name)).catch(() => undefined);
  if (content === undefined || type === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache' }).end(content);
}
