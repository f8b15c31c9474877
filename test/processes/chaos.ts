import { setTimeout as pause } from 'node:timers/promises';
import { Dice } from './dice.js';
import type { Fleet } from './fleet.js';
import type { Trouble } from './strict-provider.js';

const FAULTS = [
  'process killed',
  'process frozen',
  'Redis restarted',
  'Redis frozen',
  'provider answers 500',
  'provider answers 429',
  'provider hangs',
  'provider drops connections',
] as const;

type Fault = (typeof FAULTS)[number];

const TROUBLES = {
  'provider answers 500': { kind: 'status', status: 500 },
  'provider answers 429': { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  'provider hangs': { kind: 'hang' },
  'provider drops connections': { kind: 'drop' },
} as const satisfies Partial<Record<Fault, Trouble>>;

/** Breaks things, one kind after the other in an order that the seed decides, each kind once a round. */
export class Chaos {
  /** How often each fault was done. */
  readonly done: Partial<Record<Fault, number>> = {};
  private readonly dice: Dice;
  private frozen: { readonly index: number; readonly end: Promise<void> } | undefined;

  constructor(
    private readonly fleet: Fleet,
    seed: number,
    /** A frozen process misses at least this much. */
    private readonly leaseMs: number,
  ) {
    this.dice = new Dice(seed);
  }

  /** Each kind once at least, then until the time is over. Returns when nothing is broken any more. */
  async run(durationMs: number): Promise<void> {
    const endsAt = Date.now() + durationMs;
    for (let round = 1; round === 1 || Date.now() < endsAt; round += 1) {
      for (const fault of this.dice.shuffled(FAULTS)) {
        if (round > 1 && Date.now() >= endsAt) break;
        await this.cause(fault);
        this.done[fault] = (this.done[fault] ?? 0) + 1;
        await pause(this.dice.between(300, 1200));
      }
    }
    await this.frozen?.end;
  }

  private async cause(fault: Fault): Promise<void> {
    const { fleet, dice } = this;
    switch (fault) {
      case 'process killed': {
        const index = this.victim();
        await fleet.process(index).kill();
        await pause(dice.between(0, 500));
        return fleet.restart(index);
      }
      case 'process frozen':
        await this.frozen?.end;
        // Beside everything that comes next.
        this.freeze(this.victim());
        return;
      case 'Redis restarted':
        await fleet.redis.stop();
        await pause(dice.between(200, 2000));
        return fleet.redis.start();
      case 'Redis frozen':
        fleet.redis.pause();
        await pause(dice.between(500, 2500));
        return fleet.redis.resume();
      default:
        fleet.provider.trouble = TROUBLES[fault];
        await pause(dice.between(500, 1800));
        fleet.provider.trouble = undefined;
    }
  }

  private freeze(index: number): void {
    const end = this.fleet
      .process(index)
      .freeze(this.leaseMs + this.dice.between(500, 1500))
      .then(() => (this.frozen = undefined));
    this.frozen = { index, end };
  }

  /** One of the processes that are going. */
  private victim(): number {
    const going = this.fleet.processes.map((_, index) => index).filter((index) => index !== this.frozen?.index);
    return going[this.dice.below(going.length)] as number;
  }
}
