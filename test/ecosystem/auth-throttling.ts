import type { ExecutionContext } from '@nestjs/common';
import type { ThrottlerModuleOptions } from '@nestjs/throttler';

/** How often one address may use the routes of nest-oidc in a minute. What is not here is not limited. */
const LIMITS: ReadonlyMap<string, number> = new Map([
  ['login', 20],
  ['callback', 20],
  ['logout', 20],
]);

/** By the handler, not by the path: paths can be written in many ways. */
function limitOf(context: ExecutionContext): number | undefined {
  return context.getClass().name === 'AuthController' ? LIMITS.get(context.getHandler().name) : undefined;
}

export const authThrottling: ThrottlerModuleOptions = [
  {
    ttl: 60_000,
    limit: (context) => limitOf(context) ?? 0,
    skipIf: (context) => limitOf(context) === undefined,
  },
];
