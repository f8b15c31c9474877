import { DEMO_USERS } from './embedded-provider/demo-users.js';
import type { Settings } from './settings.js';

/** What to know when the app is up. */
export function welcome(settings: Settings, { embedded }: { readonly embedded: boolean }): string {
  const { baseUrl, client, secretIsTemporary, sessionStore } = settings;
  const users = DEMO_USERS.map(({ sub, password }) => `${sub} / ${password}`).join(', ');
  const lines = [
    `Open ${baseUrl}`,
    embedded
      ? `Log in as ${users} (embedded demonstration provider at ${client.issuer})`
      : `Users log in at ${client.issuer}`,
    `Sessions are kept in ${sessionStore ? 'Redis' : 'memory: they end with this process'}`,
    secretIsTemporary &&
      'Warning: SESSION_SECRET is not set, so a random one is used: after a restart everybody has to log in again',
  ];
  return ['', ...lines.filter(Boolean).map((line) => `  ${String(line)}`), ''].join('\n');
}
