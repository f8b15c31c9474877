import { ConsoleLogger } from '@nestjs/common';

const FRAMEWORK: ReadonlySet<string> = new Set([
  'ExceptionHandler',
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);

/**
 * Nest's logger without what the framework says while it starts: lists of what it has found, and failures, which
 * `main.ts` reports. What is left is news.
 */
export class AppLogger extends ConsoleLogger {
  constructor() {
    super({ logLevels: ['log', 'warn', 'error', 'fatal'], colors: process.stdout.isTTY === true });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (!isOfFramework(rest)) super.log(message, ...rest);
  }

  override error(message: unknown, ...rest: unknown[]): void {
    if (!isOfFramework(rest)) super.error(message, ...rest);
  }
}

/** Nest puts the context last. */
function isOfFramework(rest: readonly unknown[]): boolean {
  const context = rest.at(-1);
  return typeof context === 'string' && FRAMEWORK.has(context);
}
