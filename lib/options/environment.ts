/** Variables as a process has them: text, or nothing. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The only look at the process environment. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Whether relaxations that are meant for development must be refused. */
export function isProduction(environment: Environment = processEnvironment()): boolean {
  return environment['NODE_ENV'] === 'production';
}
