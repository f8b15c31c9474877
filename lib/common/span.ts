/**
 * Whether a span of time that began at `since` is still running. A clock that is set back makes it twice as long at most: a
 * pause of a second must not last as long as the step. Clocks of two processes may differ by less. Epoch milliseconds.
 */
export function isRunning(since: number, lengthMs: number, now: number): boolean {
  return now > since - lengthMs && now < since + lengthMs;
}
