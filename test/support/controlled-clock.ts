import { setImmediate } from 'node:timers/promises';
import type { Clock, Timer } from '../../lib/common/clock.js';

interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. Starts at 2026-01-01T00:00:00Z. */
export class ControlledClock implements Clock {
  private time = Date.UTC(2026, 0, 1);
  private order = 0;
  private readonly scheduled = new Set<Scheduled>();

  now(): number {
    return this.time;
  }

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
   * Moves the time by `ms` and runs the timers that fall due on the way, in order, each at its own time. Before and after
   * each of them every promise that can settle does, so what it schedules in turn is not missed.
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
