import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const HERE = new URL('./', import.meta.url);

/** Installs the peers' own packages (package.json beside this), unless that has been done since their lock file changed. */
export async function installPeers(progress) {
  const [locked, installed] = await Promise.all([
    changed('package-lock.json'),
    changed('node_modules/.package-lock.json'),
  ]);
  if (installed >= locked) return;
  progress('npm ci in bench/peers, as its packages are not installed');
  await promisify(execFile)('npm', ['ci', '--loglevel=error'], { cwd: HERE });
}

/** Epoch milliseconds; 0 for a file that is not there. */
async function changed(path) {
  try {
    return (await stat(new URL(path, HERE))).mtimeMs;
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}
