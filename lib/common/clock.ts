import { setImmediate } from 'node:timers';

/** A running timer. Keeps the process alive until it fires, unless it is told not to. */
export interface Timer {
  cancel(): void;
  /** Housekeeping: the process may end before it fires. */
  unref(): void;
}

/**
 * The only source of time in the library. Points in time are epoch milliseconds, spans are milliseconds.
 * Tests replace it, so that no test sleeps.
 */
export interface Clock {
  now(): number;
  schedule(delayMs: number, callback: () => void): Timer;
}

/** Injection token of the {@link Clock}. */
export const CLOCK = Symbol('nest-oidc:clock');

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timeout), unref: () => void timeout.unref() };
  },
};

/**
 * Calls back when the process has dealt with everything that had come in when it last looked, and before it looks again
 * (the check phase of Node's event loop). A matter of order, not of time: no clock holds it up, and no test's fake timers
 * do, which replace the global function.
 */
export function atEndOfTurn(callback: () => void): void {
  setImmediate(callback);
}

export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(delayMs, resolve));
}

/** Settles as `promise` does, or rejects with `onDeadline()` once `deadlineMs` have passed. */
export function withDeadline<T>(
  clock: Clock,
  deadlineMs: number,
  promise: Promise<T>,
  onDeadline: () => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.schedule(deadlineMs, () => reject(onDeadline()));
    const inTime =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        timer.cancel();
        settle(value);
      };
    promise.then(inTime(resolve), inTime(reject));
  });
}
