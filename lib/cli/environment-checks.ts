import { OidcConfigurationError } from '../common/errors.js';
import { readEnvironmentOptions } from '../options/environment-options.js';
import { ENVIRONMENT_VARIABLES } from '../options/environment-variables.js';
import { isProduction, type Environment } from '../options/environment.js';
import type { AuthRoutes } from '../options/oidc-options.js';
import { resolveOptions } from '../options/resolve-options.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { resolveRoutes } from '../options/routes.js';
import type { Findings } from './findings.js';

/** The options as the application would resolve them; `undefined` when it would not start. */
export function checkEnvironment(
  environment: Environment,
  routes: AuthRoutes,
  findings: Findings,
): ResolvedOptions | undefined {
  const known = new Set(Object.keys(ENVIRONMENT_VARIABLES));
  for (const name of Object.keys(environment).filter((set) => set.startsWith('OIDC_') && !known.has(set))) {
    findings.note(name, 'is set, and OidcModule.forEnv does not read it', 'Check its spelling.');
  }
  try {
    const { options, warnings } = readEnvironmentOptions(environment, { routes });
    const resolved = resolveOptions(options, resolveRoutes(routes));
    findings.ok('environment', `the application starts with it${isProduction(environment) ? ' in production' : ''}`);
    for (const warning of warnings) findings.note('environment', warning);
    return resolved;
  } catch (error) {
    if (!(error instanceof OidcConfigurationError)) throw error;
    for (const problem of error.problems) explain(problem, findings);
    return undefined;
  }
}

/** A problem reads `NAME: what is wrong; what to do`. */
function explain(problem: string, findings: Findings): void {
  const [, name = 'environment', text = problem] = /^([^:]+): (.*)$/su.exec(problem) ?? [];
  const [what = '', ...cures] = text.split('; ');
  const cure = cures.join('; ');
  findings.fault(name, what, cure === '' ? `Correct ${name}.` : `${cure.charAt(0).toUpperCase()}${cure.slice(1)}.`);
}
