import { atEndOfTurn, type Clock, type Timer } from './clock.js';

interface Waiting {
  dueAt: number;
  /** `undefined` once it is settled. */
  miss: (() => void) | undefined;
}

/**
 * One deadline for many promises, with one timer for all of them: all have the same time. For what is done so often that a
 * timer each would cost as much as the work.
 */
export class SharedDeadline {
  /** In the order in which they came; those before `first` are settled. */
  private waiting: Waiting[] = [];
  private first = 0;
  private timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly deadlineMs: number,
  ) {}

  /** Settles as `promise` does, or rejects with `onDeadline()` once the time has passed. */
  keep<T>(promise: Promise<T>, onDeadline: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: Waiting = { dueAt: this.clock.now() + this.deadlineMs, miss: () => reject(onDeadline()) };
      this.waiting.push(entry);
      this.timer ??= this.schedule(this.deadlineMs);
      promise.then(
        (value) => resolve(this.settled(entry, value)),
        (error: unknown) => reject(this.settled(entry, error)),
      );
    });
  }

  private settled<R>(entry: Waiting, result: R): R {
    entry.miss = undefined;
    while (this.first < this.waiting.length && this.waiting[this.first]?.miss === undefined) this.first += 1;
    if (this.first === this.waiting.length) {
      this.waiting = [];
      this.first = 0;
    }
    return result;
  }

  /**
   * Whatever is waited for keeps the process alive itself. What has come in while the process stood still is read first:
   * timers are due before it looks for that.
   */
  private schedule(delayMs: number): Timer {
    const timer = this.clock.schedule(delayMs, () => atEndOfTurn(() => this.missWhatIsDue()));
    timer.unref();
    return timer;
  }

  private missWhatIsDue(): void {
    const now = this.clock.now();
    const latest = now + this.deadlineMs;
    const unsettled = this.waiting.slice(this.first).filter(({ miss }) => miss !== undefined);
    this.waiting = unsettled.filter(({ dueAt }) => dueAt > now);
    this.first = 0;
    let earliest = latest;
    for (const entry of this.waiting) {
      // A clock that was set back makes no deadline longer than this.
      entry.dueAt = Math.min(entry.dueAt, latest);
      earliest = Math.min(earliest, entry.dueAt);
    }
    this.timer = this.waiting.length > 0 ? this.schedule(earliest - now) : undefined;
    for (const { dueAt, miss } of unsettled) if (dueAt <= now) miss?.();
  }
}
