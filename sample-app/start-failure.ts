import { OidcConfigurationError } from 'nest-oidc';
import { EnvironmentError } from './environment.js';

/** The variables behind the library's options. */
const VARIABLES: Readonly<Record<string, string>> = {
  allowInsecure: 'NODE_ENV',
  baseUrl: 'BASE_URL',
  clientId: 'OIDC_CLIENT_ID',
  clientSecret: 'OIDC_CLIENT_SECRET',
  issuer: 'OIDC_ISSUER',
  'login.scope': 'OIDC_SCOPE',
  'refresh.leeway': 'REFRESH_LEEWAY',
  secret: 'SESSION_SECRET',
  'session.idleTimeout': 'SESSION_IDLE_TIMEOUT',
};

/** A start that fails ends the process with status 1, and says why. */
export function exitOnFailure(start: Promise<void>): void {
  start.catch((error: unknown) => {
    process.stderr.write(`${startFailure(error)}\n`);
    process.exit(1);
  });
}

/** Why the app does not start: one line for what its operator can mend, everything for what a programmer must. */
function startFailure(error: unknown): string {
  if (error instanceof EnvironmentError) return `Configuration: ${error.message}`;
  if (error instanceof OidcConfigurationError) return `Configuration: ${error.problems.map(inVariables).join('; ')}`;
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE')
    return 'Configuration: PORT is taken by another program; set a free one';
  return error.stack ?? error.message;
}

function inVariables(problem: string): string {
  return problem.replace(/^([\w.]+)(?:\[\d+\])?:/u, (whole, option: string) => VARIABLES[option] ?? whole);
}
