import { randomBytes } from 'node:crypto';

/** 256 random bits in base64url: 43 characters. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url');
}

/** A short random id that ties what a user sees to a log line. Not a secret. */
export function correlationId(): string {
  return randomBytes(9).toString('base64url');
}

/** A factor between `1 - spread` and `1 + spread`, so that many processes or sessions do not act in step. */
export function jitter(spread: number): number {
  return 1 + (Math.random() * 2 - 1) * spread;
}
