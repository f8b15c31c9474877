import type { Clock, Timer } from '../../lib/common/clock.js';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time and chance of one simulated run: the same seed gives the same run. */
export class World {
  now = Date.UTC(2026, 0, 1);
  private order = 0;
  private readonly queue: Event[] = [];
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed >>> 0;
  }

  /** A number from 0 up to, not including, 1 (mulberry32). */
  readonly random = (): number => {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  schedule(delayMs: number, run: () => void): Timer {
    const event = { at: this.now + Math.max(0, delayMs), order: this.order++, run };
    let index = this.queue.length;
    while (index > 0 && isLater(this.queue[index - 1] as Event, event)) index -= 1;
    this.queue.splice(index, 0, event);
    const cancel = (): void => {
      const position = this.queue.indexOf(event);
      if (position !== -1) this.queue.splice(position, 1);
    };
    return { cancel, unref: () => undefined };
  }

  /** Runs until nothing is scheduled before `end`. After each event every promise that can settle does. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.queue[0]; next && next.at <= end; next = this.queue[0]) {
      this.queue.shift();
      this.now = next.at;
      next.run();
      await settle();
    }
    this.now = Math.max(this.now, end);
  }
}

function isLater(left: Event, right: Event): boolean {
  return left.at > right.at || (left.at === right.at && left.order > right.order);
}

/** Long enough for every chain of awaits between two events; a macrotask is a certain but slower way. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One simulated process: it can crash, and stand still while the world goes on. */
export class SimulatedProcess {
  crashed = false;
  /** Times at which it stood still. */
  readonly pauses: { readonly from: number; readonly until: number }[] = [];
  private pausedUntil = 0;

  constructor(
    private readonly world: World,
    readonly name: string,
  ) {}

  readonly clock: Clock = {
    now: () => this.world.now,
    schedule: (delayMs, callback) => this.world.schedule(delayMs, () => this.enter(callback)),
  };

  pause(durationMs: number): void {
    this.pausedUntil = this.world.now + durationMs;
    this.pauses.push({ from: this.world.now, until: this.pausedUntil });
  }

  /** Everything that happens in a process goes through here: nothing after a crash, late after a pause. */
  enter(callback: () => void): void {
    if (this.crashed) return;
    if (this.pausedUntil > this.world.now) {
      this.world.schedule(this.pausedUntil - this.world.now, () => this.enter(callback));
    } else {
      callback();
    }
  }

  /** Asks another machine. `fault` fails the request before it arrives, or loses its answer. */
  ask<T>(latencyMs: number, fault: 'none' | 'not_sent' | 'answer_lost', apply: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const fail = (): void => this.enter(() => reject(new Error(fault)));
      this.world.schedule(latencyMs / 2, () => {
        if (fault === 'not_sent') return void this.world.schedule(latencyMs / 2, fail);
        apply().then(
          (value) =>
            this.world.schedule(latencyMs / 2, fault === 'answer_lost' ? fail : () => this.enter(() => resolve(value))),
          (error: Error) => this.world.schedule(latencyMs / 2, () => this.enter(() => reject(error))),
        );
      });
    });
  }
}
