import { setImmediate } from 'node:timers/promises';
import { systemClock, type Clock, type Timer } from '../common/clock.js';

interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until a test moves it. Put in the place of the library's own, it lets access tokens and
 * sessions expire without a sleep:
 *
 * ```ts
 * const clock = new TestClock();
 * const module = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(CLOCK)
 *   .useValue(clock)
 *   .compile();
 * await clock.advance(3_600_000);
 * ```
 */
export class TestClock implements Clock {
  private time: number;
  private order = 0;
  private readonly scheduled = new Set<Scheduled>();

  /** @param startsAt epoch milliseconds; the system's time when it is left out */
  constructor(startsAt: number = systemClock.now()) {
    this.time = startsAt;
  }

  /** Epoch milliseconds. */
  now(): number {
    return this.time;
  }

  /** For the library: runs `callback` once the clock has been moved by `delayMs` milliseconds. */
  schedule(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.time + Math.max(0, delayMs), order: this.order++, callback };
    this.scheduled.add(timer);
    return { cancel: () => void this.scheduled.delete(timer), unref: () => undefined };
  }

  /** How many timers have neither run nor been cancelled. */
  get pending(): number {
    return this.scheduled.size;
  }

  /**
   * Moves the time by `ms` milliseconds and runs the timers that fall due on the way, in order, each at its own time.
   * Before and after each of them every promise that can settle does, so what it schedules in turn is not missed.
   */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await setImmediate();
    for (let timer = this.next(end); timer; timer = this.next(end)) {
      this.scheduled.delete(timer);
      this.time = Math.max(this.time, timer.at);
      timer.callback();
      await setImmediate();
    }
    this.time = end;
  }

  private next(end: number): Scheduled | undefined {
    const due = [...this.scheduled].filter(({ at }) => at <= end);
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0];
  }
}
