import { setTimeout as pause } from 'node:timers/promises';
import { Dice } from './dice.js';
import type { Fleet, User } from './fleet.js';
import { LoadClient, type Answer } from './load.js';

export interface Loss {
  readonly account: string;
  readonly at: number;
}

/** Users who open a page now and then: some requests at once, over all processes. One who is logged out logs in again. */
export class Population {
  /** Answers by status; 0 are connections that broke, as of a process that was killed. */
  readonly answers: Record<number, number> = {};
  /** What must never be answered. */
  readonly wrong: string[] = [];
  readonly lost: Loss[] = [];
  /** Everybody who was ever logged in, by account. */
  readonly everybody = new Map<string, User>();
  private readonly client = new LoadClient();
  private readonly dice: Dice;
  private going = true;
  private present: User[] = [];
  private lives: Promise<void>[] = [];

  constructor(
    private readonly fleet: Fleet,
    seed: number,
  ) {
    this.dice = new Dice(seed);
  }

  async arrive(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const user = await this.logIn(`user-${index}.1`);
      this.lives.push(this.live(index, user));
    }
  }

  /** Everybody finishes what they are at. */
  async rest(): Promise<void> {
    this.going = false;
    await Promise.all(this.lives);
  }

  /** Those whose session does not work on each process, however often they ask. */
  async withoutService(deadlineMs: number): Promise<string[]> {
    const giveUpAt = Date.now() + deadlineMs;
    const refusals = await Promise.all(this.present.map((user) => this.refusal(user, giveUpAt)));
    return refusals.filter((refusal) => refusal !== undefined);
  }

  close(): void {
    this.client.close();
  }

  private async live(place: number, first: User): Promise<void> {
    const dice = new Dice(this.dice.below(2 ** 31));
    let user = first;
    this.present[place] = user;
    for (let generation = 2; this.going; generation += 1) {
      while (this.going && !this.isLost(user)) {
        const count = 2 + dice.below(4);
        await Promise.all(Array.from({ length: count }, () => this.ask(user, dice.below(this.fleet.processes.length))));
        await pause(dice.between(0, 2500));
      }
      if (!this.isLost(user)) return;
      user = await this.logIn(`user-${place}.${generation}`);
      this.present[place] = user;
    }
  }

  private async ask(user: User, index: number): Promise<Answer> {
    const answer = await this.client.get(this.fleet.process(index), user);
    this.answers[answer.status] = (this.answers[answer.status] ?? 0) + 1;
    this.judge(user, answer);
    return answer;
  }

  private judge({ account }: User, { status, body, text }: Answer): void {
    switch (status) {
      case 200: {
        const owner = this.fleet.provider.accessTokenOwners.get(body?.token ?? '');
        if (body?.sub !== account || owner !== account) {
          this.wrong.push(`${account} was answered as ${body?.sub} with a token of ${owner}`);
        }
        return;
      }
      case 401:
        this.lost.push({ account, at: Date.now() });
        return;
      case 0:
      case 503:
        return;
      default:
        this.wrong.push(`${account} was answered ${status}: ${text}`);
    }
  }

  private isLost({ account }: User): boolean {
    return this.lost.some((loss) => loss.account === account);
  }

  /** Through any process that is there; while Redis or the provider is away, again and again. */
  private async logIn(account: string): Promise<User> {
    for (;;) {
      try {
        const user = await this.fleet.logIn(account, this.dice.below(this.fleet.processes.length));
        this.everybody.set(account, user);
        return user;
      } catch (error) {
        if (!this.going) throw error;
        await pause(250);
      }
    }
  }

  /** What a user was told in the end who is not served by each process in time. */
  private async refusal(user: User, giveUpAt: number): Promise<string | undefined> {
    for (const [index, { id }] of this.fleet.processes.entries()) {
      for (;;) {
        const { status, text } = await this.ask(user, index);
        if (status === 200) break;
        if (Date.now() > giveUpAt) return `${user.account} (session ${user.session}) by ${id}: ${status} ${text}`;
        // Somebody else's case: see the losses.
        if (this.isLost(user)) return undefined;
        await pause(250);
      }
    }
    return undefined;
  }
}
