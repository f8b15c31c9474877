import { TestClock } from '../../lib/testing/test-clock.js';

/** A clock that stands still until a test moves it. Starts at 2026-01-01T00:00:00Z. */
export class ControlledClock extends TestClock {
  constructor() {
    super(Date.UTC(2026, 0, 1));
  }
}
