import { Logger } from '@nestjs/common';
import { OidcConfigurationError } from '../common/errors.js';
import { randomToken } from '../common/random.js';
import { isProduction, processEnvironment, type Environment } from './environment.js';
import { ENVIRONMENT_VARIABLES, UNREADABLE } from './environment-variables.js';
import type { OidcModuleExtras, OidcOptions } from './oidc-options.js';
import { MODULE_EXTRAS, resolveOptions } from './resolve-options.js';
import { resolveRoutes } from './routes.js';

/** What an application decides in its code. It counts before the environment, option by option. */
export type OidcEnvOverrides = OidcModuleExtras & {
  readonly [Name in keyof OidcOptions]?: OidcOptions[Name] | undefined;
};

/** Options of an environment, and what is to be said about it beside. */
export interface EnvironmentOptions {
  readonly options: OidcOptions;
  readonly warnings: readonly string[];
}

/** Options with options inside: an override replaces what it names, not its neighbours. */
const GROUPS: ReadonlySet<string> = new Set([
  'login',
  'authorizationParams',
  'idToken',
  'session',
  'refresh',
  'logout',
  'provider',
]);

type Tree = Record<string, unknown>;

interface Reading {
  readonly options: Tree;
  /** By variable. */
  readonly problems: Map<string, string>;
  readonly warnings: string[];
}

/**
 * The options that the environment says, for `forRootAsync` and configuration libraries; `OidcModule.forEnv` calls it by
 * itself. Outside production `BASE_URL` is `http://localhost:$PORT` and `SESSION_SECRET` a random one, unless they are
 * set. An empty variable is as good as none, and so is the `BASE_URL` of `/` that Vitest sets.
 *
 * @throws OidcConfigurationError naming every variable that cannot be used, and its cure
 */
export function oidcOptionsFromEnv(
  environment: Environment = processEnvironment(),
  overrides: OidcEnvOverrides = {},
): OidcOptions {
  const { options, warnings } = readEnvironmentOptions(environment, overrides);
  for (const warning of warnings) new Logger('OidcModule').warn(warning);
  return options;
}

/** As {@link oidcOptionsFromEnv}, and leaves it to the caller to say the warnings. */
export function readEnvironmentOptions(environment: Environment, overrides: OidcEnvOverrides = {}): EnvironmentOptions {
  const reading: Reading = { options: {}, problems: new Map(), warnings: [] };
  readVariables(environment, reading);
  if (!isProduction(environment)) fillInForDevelopment(environment, overrides, reading);
  const merged = merge(reading.options, withoutExtras(overrides));
  const options = { allowInsecure: asksForPlainHttp(merged, environment), ...merged } as Tree & OidcOptions;
  const problems = explain(options, overrides, reading.problems);
  if (problems.length > 0) throw new OidcConfigurationError(problems);
  return { options, warnings: reading.warnings };
}

function readVariables(environment: Environment, { options, problems }: Reading): void {
  for (const [name, { option, read, form }] of Object.entries(ENVIRONMENT_VARIABLES)) {
    const text = environment[name]?.trim();
    if (!text || isOfVitest(name, text, environment)) continue;
    const value = read(text);
    if (value === UNREADABLE) problems.set(name, `must be ${form}`);
    else plant(options, option.split('.'), value);
  }
}

/** Vitest puts Vite's own `BASE_URL`, a path, into every environment, whatever the application has set there. */
function isOfVitest(name: string, text: string, environment: Environment): boolean {
  return name === 'BASE_URL' && text === '/' && environment['VITEST'] !== undefined;
}

function plant(tree: Tree, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) tree[key] = value;
  else plant((tree[key] ??= {}) as Tree, rest, value);
}

/** Three variables are enough to start with. In production, a guessed address or a secret of one process would do harm. */
function fillInForDevelopment(environment: Environment, overrides: OidcEnvOverrides, reading: Reading): void {
  const { options, problems, warnings } = reading;
  if (options['baseUrl'] === undefined && overrides.baseUrl === undefined) {
    const port = environment['PORT']?.trim() || '3000';
    const isPort = /^\d{1,5}$/u.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
    if (!isPort) problems.set('PORT', 'must be a whole number from 1 to 65535, or BASE_URL be set');
    options['baseUrl'] = `http://localhost:${isPort ? port : 3000}`;
  }
  if (options['secret'] === undefined && overrides.secret === undefined) {
    options['secret'] = randomToken();
    warnings.push(
      'SESSION_SECRET is not set: a random one stands in, and every session ends with this process. ' +
        'In production it must be set, e.g. to the output of `openssl rand -base64 48`.',
    );
  }
}

/** Plain http is for development. The options accept it on a loopback address only. */
function asksForPlainHttp({ issuer, baseUrl }: Tree, environment: Environment): boolean {
  return !isProduction(environment) && [issuer, baseUrl].some((url) => /^http:/iu.test(String(url)));
}

function merge(base: Tree, overrides: Tree): Tree {
  const merged: Tree = { ...base };
  for (const [key, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    const both = GROUPS.has(key) && isTree(value) && isTree(base[key]);
    merged[key] = both ? merge(base[key] as Tree, value) : value;
  }
  return merged;
}

function withoutExtras(overrides: OidcEnvOverrides): Tree {
  return Object.fromEntries(Object.entries(overrides).filter(([key]) => !MODULE_EXTRAS.includes(key)));
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Tries the options, and says what is wrong in the names of the variables. What is wrong with the overrides alone is left to
 * the module, which knows all of its options.
 */
function explain(options: OidcOptions, overrides: OidcEnvOverrides, unreadable: ReadonlyMap<string, string>): string[] {
  const names = namesOf(overrides);
  const found = problemsOf(options, overrides).map((problem) => problemOfVariable(problem, names));
  const known = found.filter(({ variable }) => variable === undefined || !unreadable.has(variable));
  if (unreadable.size === 0 && known.every(({ variable }) => variable === undefined)) return [];
  return [...unreadable].map(([name, text]) => `${name}: ${text}`).concat(known.map(({ text }) => text));
}

function problemsOf(options: OidcOptions, { routes }: OidcEnvOverrides): readonly string[] {
  try {
    resolveOptions(options, resolveRoutes(routes));
    return [];
  } catch (error) {
    if (error instanceof OidcConfigurationError) return error.problems;
    throw error;
  }
}

/** The variable of every option that the code does not set itself. */
function namesOf(overrides: OidcEnvOverrides): ReadonlyMap<string, string> {
  const options = Object.entries(ENVIRONMENT_VARIABLES).map(([name, { option }]) => [option, name] as const);
  const all = [...options, ['clientPrivateKey', 'OIDC_CLIENT_PRIVATE_KEY'] as const];
  return new Map(all.filter(([option]) => !isSet(overrides, option.split('.'))));
}

function isSet(overrides: unknown, [key = '', ...rest]: readonly string[]): boolean {
  const value = isTree(overrides) ? overrides[key] : undefined;
  if (value === undefined) return false;
  return GROUPS.has(key) ? isSet(value, rest) : true;
}

function problemOfVariable(
  problem: string,
  names: ReadonlyMap<string, string>,
): { readonly variable: string | undefined; readonly text: string } {
  const [, option = '', index, explanation = ''] = /^([\w.]+)(?:\[(\d+)\])?: (.*)$/su.exec(problem) ?? [];
  const variable = names.get(option);
  if (variable === undefined) return { variable, text: problem };
  const part = index === undefined ? '' : ` (secret ${Number(index) + 1} of the list)`;
  const inItsWords = explanation
    .replace('allowInsecure: true', 'NODE_ENV=development')
    // Options that are more than a word of plain English.
    .replaceAll(/\b[a-z]+(?:[A-Z.][A-Za-z]*)+/gu, (word) => names.get(word) ?? word);
  return { variable, text: `${variable}${part}: ${inItsWords}` };
}
