import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Where applications say that they are. Nothing listens there: see log-in.js. */
export const BASE_URL = 'http://127.0.0.1';

const ENTRY = fileURLToPath(new URL('provider.js', import.meta.url));

/** An OpenID Provider for a login, in a process of its own: what it needs is not counted as the subject's. */
export async function startProvider() {
  const child = fork(ENTRY, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [provider] = await once(child, 'message');
  return { ...provider, stop: () => child.disconnect() };
}
