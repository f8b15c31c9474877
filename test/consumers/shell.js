import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export const run = promisify(execFile);

const FLAGS = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];

export async function npmInstall(directory, packages) {
  await run('npm', ['install', ...FLAGS, ...packages], { cwd: directory });
}

export async function writeJson(path, value) {
  await writeFile(path, JSON.stringify(value, undefined, 2));
}

/** The message of a failed command comes with what it printed. */
export async function attempt(action) {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  try {
    return { value: await action(), seconds: seconds() };
  } catch (error) {
    return { error: [error.message, error.stderr, error.stdout].filter(Boolean).join('\n'), seconds: seconds() };
  }
}
