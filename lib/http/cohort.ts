import { atEndOfTurn } from '../common/clock.js';

/**
 * Lets requests that have come in together go on together: each waits until the last of them has been read, then all take
 * the same steps one after the other ("cohort scheduling": Larus and Parkes, USENIX 2002). The code of a step is in the
 * processor's cache then for all but the first of them. Where many come at once, that saves more than a session costs;
 * one that comes alone waits for nobody.
 */
export class Cohort {
  private forming: Promise<void> | undefined;

  /** Fulfilled when those that come in now are complete: before the process looks for what has come in meanwhile. */
  join(): Promise<void> {
    return (this.forming ??= new Promise(this.depart));
  }

  private readonly depart = (go: () => void): void =>
    atEndOfTurn(() => {
      this.forming = undefined;
      go();
    });
}
