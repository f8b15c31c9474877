import { parseArgs, parseEnv } from 'node:util';
import type { Environment } from '../options/environment.js';
import type { AuthRoutes } from '../options/oidc-options.js';

export const USAGE = `Usage: nest-oidc doctor [options]

Checks the environment of an application that uses nest-oidc, its OpenID Provider, the running
application behind its proxies, and its Redis. Exit status: 0 all is well, 1 something is not.

  --env-file <path>       read variables from a file; those that are set already count before it
  --issuer <url>          in place of OIDC_ISSUER
  --client-id <id>        in place of OIDC_CLIENT_ID
  --base-url <url>        in place of BASE_URL
  --redis-url <url>       the Redis that keeps the sessions; or REDIS_URL
  --login-path <path>     path of the login route, global prefix included (/auth/login)
  --callback-path <path>  path of the callback route, global prefix included (/auth/callback)
  --no-app                do not ask the application itself
  --help                  show this

Secrets are read from the environment only: everybody on a machine sees the arguments of a command.
`;

/** What to examine. */
export interface DoctorArguments {
  readonly environment: Environment;
  readonly routes: AuthRoutes;
  readonly redisUrl: string | undefined;
  readonly asksApp: boolean;
}

/** Flags in place of variables. */
const VARIABLE_OF = { issuer: 'OIDC_ISSUER', 'client-id': 'OIDC_CLIENT_ID', 'base-url': 'BASE_URL' } as const;

/**
 * `'help'` when that was asked for.
 *
 * @throws TypeError for what is no argument; the error of `readFile` for a file that cannot be read
 */
export function readArguments(
  args: readonly string[],
  variables: Environment,
  readFile: (path: string) => string,
): DoctorArguments | 'help' {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'env-file': text,
      issuer: text,
      'client-id': text,
      'base-url': text,
      'redis-url': text,
      'login-path': text,
      'callback-path': text,
      'no-app': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || positionals.length === 0) return 'help';
  if (positionals.join(' ') !== 'doctor') throw new TypeError(`There is no command ${positionals.join(' ')}.`);
  const file = values['env-file'];
  const environment: Record<string, string | undefined> = {
    ...(file === undefined ? {} : parseEnv(readFile(file))),
    ...variables,
  };
  for (const [flag, variable] of Object.entries(VARIABLE_OF)) {
    const value = values[flag as keyof typeof VARIABLE_OF];
    if (value !== undefined) environment[variable] = value;
  }
  return {
    environment,
    routes: { login: values['login-path'], callback: values['callback-path'] },
    redisUrl: values['redis-url'] ?? environment['REDIS_URL'],
    asksApp: !values['no-app'],
  };
}
