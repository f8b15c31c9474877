/** The only look at the process environment: whether relaxations that are meant for development must be refused. */
export function isProduction(): boolean {
  return process.env['NODE_ENV'] === 'production';
}
