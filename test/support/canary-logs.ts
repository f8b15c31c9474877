import { Logger } from '@nestjs/common';
import { format } from 'node:util';
import { EventLog } from '../../lib/common/events.js';
import type { Canary } from './canary.js';

/** An object of any kind, with methods by name. */
type Methods = Record<string, (...args: unknown[]) => unknown>;

const LEVELS = ['fatal', 'error', 'warn', 'log', 'info', 'debug', 'verbose', 'trace'];

/**
 * Reports what is logged, printed and given to `onEvent`. Logged means: given to Nest's logger, whether or not it prints
 * it. Returns how to stop.
 */
export function listenToLogs(canary: Canary): () => void {
  const hear = (place: string) => (args: readonly unknown[]) => canary.hear(place, format(...args));
  const logger = hear('a line of the log');
  const stops = [
    ...LEVELS.map((level) => tap(Logger.prototype, level, logger)),
    ...LEVELS.map((level) => tap(console, level, hear('a line of the console'))),
    tap(EventLog.prototype, 'emit', ([event]) => canary.hear('an event', JSON.stringify(event))),
    tap(process.stdout, 'write', hear('the standard output')),
    tap(process.stderr, 'write', hear('the standard error')),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Listens to the arguments of a method. */
function tap(target: object, name: string, listen: (args: readonly unknown[]) => void): () => void {
  const methods = target as Methods;
  const method = methods[name];
  const own = Object.hasOwn(target, name);
  if (!method) return () => undefined;
  methods[name] = function tapped(this: unknown, ...args) {
    listen(args);
    return method.apply(this, args);
  };
  return () => {
    if (own) methods[name] = method;
    else delete methods[name];
  };
}
