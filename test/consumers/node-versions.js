import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmInstall, run, writeJson } from './shell.js';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/nest-oidc/', import.meta.url));

export const CURRENT_NODE = Number(process.versions.node.split('.')[0]);

/** Node.js of this major: the one that runs this, or one from npm, which is kept below `node_modules/.cache`. */
export async function findNode(major) {
  const path = major === CURRENT_NODE ? process.execPath : await installNode(major);
  const { stdout } = await run(path, ['--version']);
  return { major, path, version: stdout.trim().slice(1) };
}

/** The packages that `node` on npm chooses from, each with the program for one platform. */
async function installNode(major) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const directory = join(CACHE, `node-${major}`);
  const path = join(directory, 'node_modules', name, 'bin/node');
  if (await stat(path).catch(() => undefined)) return path;
  await mkdir(directory, { recursive: true });
  await writeJson(join(directory, 'package.json'), { private: true });
  await npmInstall(directory, [`${name}@${major}`]);
  return path;
}
