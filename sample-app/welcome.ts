import { DEMO_USERS } from './embedded-provider/demo-users.js';
import type { Environment } from './environment.js';

export interface Started {
  /** The issuer of the embedded provider, if there is one. */
  readonly embedded: string | undefined;
  /** @default 1 */
  readonly processes?: number;
  /** The address of the Redis that was started with the app, if one was. */
  readonly redisUrl?: string | undefined;
}

/** What to know when the app is up. */
export function welcome(environment: Environment, { embedded, processes = 1, redisUrl }: Started): string {
  const { baseUrl, client } = environment;
  const users = DEMO_USERS.map(({ sub, password }) => `${sub} / ${password}`).join(', ');
  const lines = [
    `Open ${baseUrl}`,
    embedded === undefined
      ? `Users log in at ${client?.issuer}`
      : `Log in as ${users} (embedded demonstration provider at ${embedded})`,
    sessionsLine(environment, redisUrl),
    processes > 1 && `${processes} processes take turns on this port`,
    environment.secretIsTemporary &&
      'Warning: SESSION_SECRET is not set, so a random one is used: after a restart everybody has to log in again',
  ];
  return ['', ...lines.filter(Boolean).map((line) => `  ${String(line)}`), ''].join('\n');
}

function sessionsLine({ redisUrl }: Environment, startedRedisUrl: string | undefined): string {
  if (startedRedisUrl !== undefined)
    return `Sessions are kept in Redis at ${startedRedisUrl}: it ends with this process`;
  return `Sessions are kept in ${redisUrl === undefined ? 'memory: they end with this process' : 'Redis'}`;
}
