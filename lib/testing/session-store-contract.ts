import { AssertionError } from 'node:assert/strict';
import { systemClock } from '../common/clock.js';
import type { SessionStore } from '../store/session-store.js';
import { deleteListenerRules } from './contract/delete-listener-rules.js';
import { lockRules } from './contract/lock-rules.js';
import { markRules } from './contract/mark-rules.js';
import { replaceRules } from './contract/replace-rules.js';
import { sessionRules, touchAndDeleteRules } from './contract/session-rules.js';
import { setRules } from './contract/set-rules.js';
import type { Rule, Trial } from './contract/trial.js';

/** How {@link sessionStoreContract} gets at a store and at its time. */
export interface SessionStoreHarness {
  /**
   * The store under test, called once for every rule. It may be the same one each time: every rule uses keys of its own.
   * Its `close` is called afterwards, if it has one.
   */
  createStore(): SessionStore | Promise<SessionStore>;

  /**
   * A second instance on the same sessions, as another process would have it. With it the rules about concurrency are
   * proven across processes; without it within one.
   */
  createPeer?(store: SessionStore): SessionStore | Promise<SessionStore>;

  /** Lets `ms` milliseconds pass for the store: moves its clock, or really waits. */
  advance(ms: number): void | Promise<void>;

  /** The store's time in epoch milliseconds. Needed where `advance` moves a clock. @default the system's */
  now?(): number;

  /**
   * The unit of time for what is to expire during a rule. A store must answer a few calls within it, and twice as much
   * is waited for, about fifteen times in all. Milliseconds. @default 1000
   */
  readonly span?: number;
}

/** One rule of the contract. */
export interface ContractCase {
  /** The rule as a sentence. */
  readonly title: string;
  /** Rejects with an `AssertionError` when the store breaks the rule. */
  run(): Promise<void>;
}

const RULES: readonly Rule[] = [
  ...sessionRules,
  ...touchAndDeleteRules,
  ...replaceRules,
  ...lockRules,
  ...markRules,
  ...setRules,
  ...deleteListenerRules,
];

const AN_HOUR_MS = 3_600_000;

/**
 * The contract of {@link SessionStore}, one executable case for each rule, for any test runner:
 *
 * ```ts
 * for (const { title, run } of sessionStoreContract({ createStore, advance, now })) it(title, run);
 * ```
 *
 * What it cannot prove from outside: that `lock` reads past every cache, and that trouble of the backend is a rejection
 * within seconds. Test these by taking the backend away.
 */
export function sessionStoreContract(harness: SessionStoreHarness): readonly ContractCase[] {
  const time = new HarnessTime(harness);
  return RULES.map(({ title, prove }) => ({ title, run: () => inTrial(harness, time, prove) }));
}

async function inTrial(
  harness: SessionStoreHarness,
  time: HarnessTime,
  prove: (trial: Trial) => Promise<void>,
): Promise<void> {
  const store = await harness.createStore();
  const peer = await harness.createPeer?.(store);
  try {
    await prove(trialOf(harness, time, store, peer ?? store));
  } catch (error) {
    throw time.explain(error);
  } finally {
    await peer?.close?.();
    await store.close?.();
  }
}

function trialOf(harness: SessionStoreHarness, time: HarnessTime, store: SessionStore, peer: SessionStore): Trial {
  const { span = 1_000 } = harness;
  return {
    store,
    peer,
    soon: () => time.now() + span,
    later: () => time.now() + AN_HOUR_MS,
    shortLease: span,
    passSoon: () => time.pass(2 * span),
  };
}

/** The store's time, as the harness tells it. */
class HarnessTime {
  /** `advance` took less time than it let pass, so it has moved a clock, and `now` does not tell what that says. */
  private isUntold = false;

  constructor(private readonly harness: SessionStoreHarness) {}

  now(): number {
    return this.harness.now?.() ?? systemClock.now();
  }

  async pass(ms: number): Promise<void> {
    const before = this.now();
    await this.harness.advance(ms);
    if (!this.harness.now && this.now() - before < ms / 2) this.isUntold = true;
  }

  /** A broken rule, with the likely cause where the harness is one. */
  explain(error: unknown): unknown {
    if (!this.isUntold || !(error instanceof AssertionError)) return error;
    const { message, actual, expected, operator } = error;
    const cause = '`advance` moves a clock, and `now` is missing: give it the time of that clock.';
    return new AssertionError({ message: `${message}\n${cause}`, actual, expected, operator });
  }
}
