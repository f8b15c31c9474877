import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { randomToken } from '../../common/random.js';
import type { SessionStore, StoredSession } from '../../store/session-store.js';

/** What one rule of the contract is tried with. */
export interface Trial {
  readonly store: SessionStore;
  /** The same sessions through a second instance, if the harness has one; else `store` itself. */
  readonly peer: SessionStore;
  /** A point in time that {@link passSoon} leaves behind. Epoch milliseconds. */
  soon(): number;
  /** A point in time that no trial gets to. Epoch milliseconds. */
  later(): number;
  /** A lease, in milliseconds, that {@link passSoon} outlasts. */
  readonly shortLease: number;
  passSoon(): Promise<void>;
}

/** One rule: the sentence it proves, and the proof. Rejects when the store breaks it. */
export interface Rule {
  readonly title: string;
  prove(trial: Trial): Promise<void>;
}

/** A lease, in milliseconds, that no trial outlasts. */
export const LONG_LEASE = 600_000;

/** How many calls meet in the rules about concurrency. */
export const CROWD = 50;

export const newKey = randomToken;

export function newSession(expiresAt: number, generation = 1, data: Uint8Array = randomBytes(100)): StoredSession {
  return { data, generation, expiresAt, lastSeenAt: 1_700_000_000_000 + generation };
}

/** Creates a session under a new key. */
export async function givenSession(
  { store }: Trial,
  expiresAt: number,
): Promise<{ readonly key: string; readonly session: StoredSession }> {
  const key = newKey();
  const session = newSession(expiresAt);
  await store.create(key, session);
  return { key, session };
}

/** Calls `call` {@link CROWD} times at once, on both instances in turn. */
export function crowd<T>(
  { store, peer }: Trial,
  call: (store: SessionStore, index: number) => Promise<T>,
): Promise<T[]> {
  return Promise.all(Array.from({ length: CROWD }, (_, index) => call(index % 2 === 0 ? store : peer, index)));
}

export function assertSession(actual: StoredSession | undefined, expected: StoredSession): void {
  assert.ok(actual, 'there should be a session');
  assert.equal(actual.generation, expected.generation, 'generation');
  assert.equal(actual.expiresAt, expected.expiresAt, 'expiresAt');
  assert.equal(actual.lastSeenAt, expected.lastSeenAt, 'lastSeenAt');
  assert.ok(actual.data instanceof Uint8Array, 'data should be a Uint8Array');
  assert.ok(Buffer.from(expected.data).equals(actual.data), 'data should be the bytes that were written');
}

/** Fails unless another owner can take the lock at this moment. */
export async function assertUnlocked({ store }: Trial, key: string): Promise<void> {
  assert.equal((await store.lock(key, newKey(), LONG_LEASE)).acquired, true, 'the lock should be free');
}

/** Fails if another owner can take the lock at this moment. */
export async function assertLocked({ store }: Trial, key: string): Promise<void> {
  assert.equal((await store.lock(key, newKey(), LONG_LEASE)).acquired, false, 'the lock should be held');
}
