const MINUTE_MS = 60_000;
const UNITS = [
  ['day', 24 * 60 * MINUTE_MS],
  ['hour', 60 * MINUTE_MS],
  ['minute', MINUTE_MS],
] as const;

const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** How long ago something was: true in every time zone. Epoch milliseconds. */
export function ago(time: number, now: number): string {
  const passed = now - time;
  const [unit, lengthMs] = UNITS.find(([, length]) => passed >= length) ?? [];
  return unit === undefined ? 'just now' : format.format(-Math.floor(passed / lengthMs), unit);
}
