import type { Clock } from '../common/clock.js';
import { jitter } from '../common/random.js';
import { isRunning } from '../common/span.js';

const CLOSES_AFTER = 5;
/** How far apart probes are, at least. */
export const PROBE_INTERVAL_MS = 1000;

/** What a refresh has learned about the provider; `nothing` when it did not ask. */
export type Reached = 'yes' | 'no' | 'nothing';

/**
 * After a run of failures to reach the provider, one refresh at a time goes out to see whether it is back, at most one a
 * second: its outage does not end in a stampede. The first success opens the gate for all.
 */
export class ProviderGate {
  private failures = 0;
  private probing = false;
  private failedAt = 0;
  private pauseMs = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether a refresh may go out. Whoever goes says {@link leave} afterwards. */
  tryEnter(): boolean {
    if (this.failures < CLOSES_AFTER) return true;
    if (this.probing || isRunning(this.failedAt, this.pauseMs, this.clock.now())) return false;
    this.probing = true;
    return true;
  }

  leave(reached: Reached): void {
    this.probing = false;
    if (reached === 'yes') this.failures = 0;
    if (reached !== 'no') return;
    this.failures += 1;
    this.failedAt = this.clock.now();
    this.pauseMs = PROBE_INTERVAL_MS * jitter(0.2);
  }
}
