import { timingSafeEqual } from 'node:crypto';

/** Whether a value from outside is this text, in a time that does not tell how much of it is. */
export function sameText(value: unknown, expected: string): boolean {
  if (typeof value !== 'string') return false;
  const [left, right] = [Buffer.from(value), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
