import type { Clock } from '../common/clock.js';
import { jitter } from '../common/random.js';
import { isRunning } from '../common/span.js';
import type { RefreshUnavailableError } from './token-errors.js';

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
/** More than this no `Retry-After` can ask for: one absurd value must not stop every refresh. */
const LONGEST_RETRY_AFTER_MS = 300_000;
const MAX_ENTRIES = 10_000;
const SPREAD = 0.1;

export interface Failure {
  readonly code: RefreshUnavailableError['code'];
  readonly reason: string;
  /** What the provider asked for (`Retry-After`), if it did. */
  readonly retryAfterMs: number | undefined;
  /** It is about this refresh alone. */
  readonly reached?: boolean;
}

interface Entry extends Failure {
  /** What the next failure in a row doubles. */
  readonly pauseMs: number;
  readonly failedAt: number;
  readonly waitMs: number;
}

const NOTE = /^pause (\d{1,16}) (refresh_transient|refresh_misconfigured) (\S+)$/u;

/** A pause as the owner of a lock: whoever wants the lock in another process learns of the pause, and does not ask. */
export function pauseNote({ code, reason }: Failure, until: number): string {
  return `pause ${Math.ceil(until)} ${code} ${reason.replaceAll(/\s/gu, '_')}`;
}

/** The failure that a lock's owner tells of, and when the pause ends; `undefined` for an owner at work. */
export function readPauseNote(owner: string | undefined): (Failure & { readonly until: number }) | undefined {
  const [, until, code, reason] = NOTE.exec(owner ?? '') ?? [];
  if (until === undefined || reason === undefined) return undefined;
  return { until: Number(until), code: code as Failure['code'], reason, retryAfterMs: undefined };
}

/** After a failed refresh a session waits: 1 second, doubling to 30, and never less than the provider asked for (up to 5 minutes). */
export class CoolDown {
  private readonly entries = new Map<string, Entry>();
  /** A `Retry-After` holds for every session, unless it is about one refresh alone. */
  private provider: Entry | undefined;

  constructor(private readonly clock: Clock) {}

  /** What keeps this session from asking the provider now, and for how long. */
  of(sessionId: string): (Failure & { readonly remainingMs: number }) | undefined {
    const now = this.clock.now();
    const entry = [this.provider, this.entries.get(sessionId)].find(
      (candidate) => candidate && isRunning(candidate.failedAt, candidate.waitMs, now),
    );
    return entry && { ...entry, remainingMs: entry.failedAt + entry.waitMs - now };
  }

  /** Why the last attempt of this session failed, `undefined` when it did not. */
  lastFailure(sessionId: string): Failure | undefined {
    return this.entries.get(sessionId);
  }

  start(sessionId: string, failure: Failure): number {
    const doubled = Math.min((this.entries.get(sessionId)?.pauseMs ?? FIRST_MS / 2) * 2, LONGEST_MS);
    const waitMs = Math.max(doubled * jitter(SPREAD), Math.min(failure.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS));
    const entry = { ...failure, pauseMs: doubled, failedAt: this.clock.now(), waitMs };
    if (failure.retryAfterMs !== undefined && !failure.reached) this.provider = entry;
    this.entries.delete(sessionId);
    if (this.entries.size >= MAX_ENTRIES) this.dropOldest();
    this.entries.set(sessionId, entry);
    return waitMs;
  }

  end(sessionId: string): void {
    this.entries.delete(sessionId);
  }

  private dropOldest(): void {
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }
}
