import { describe, expect, it } from '@jest/globals';
import { ProviderGate } from '../../lib/token/provider-gate.js';
import { ControlledClock } from '../support/controlled-clock.js';

function closed(): { readonly gate: ProviderGate; readonly clock: ControlledClock } {
  const clock = new ControlledClock();
  const gate = new ProviderGate(clock);
  for (let failure = 0; failure < 5; failure += 1) {
    expect(gate.tryEnter()).toBe(true);
    gate.leave('no');
  }
  return { gate, clock };
}

describe('the gate to the provider', () => {
  it('lets everybody through while the provider is reached now and then', () => {
    const gate = new ProviderGate(new ControlledClock());
    for (let refresh = 0; refresh < 20; refresh += 1) {
      expect(gate.tryEnter()).toBe(true);
      gate.leave(refresh % 4 === 0 ? 'yes' : 'no');
    }
  });

  it('lets one probe through at a time after five failures in a row [REF-07]', async () => {
    const { gate, clock } = closed();
    expect(gate.tryEnter()).toBe(false);
    await clock.advance(1200);
    expect([gate.tryEnter(), gate.tryEnter(), gate.tryEnter()]).toEqual([true, false, false]);
  });

  it('lets a probe through when the clock is set back', async () => {
    const { gate, clock } = closed();
    await clock.advance(-3_600_000);
    expect([gate.tryEnter(), gate.tryEnter()]).toEqual([true, false]);
  });

  it('waits a second after a probe that failed', async () => {
    const { gate, clock } = closed();
    await clock.advance(1200);
    gate.tryEnter();
    gate.leave('no');
    await clock.advance(500);
    expect(gate.tryEnter()).toBe(false);
    await clock.advance(700);
    expect(gate.tryEnter()).toBe(true);
  });

  it('opens for all with the first success', async () => {
    const { gate, clock } = closed();
    await clock.advance(1200);
    gate.tryEnter();
    gate.leave('yes');
    expect([gate.tryEnter(), gate.tryEnter()]).toEqual([true, true]);
  });

  it('takes a probe that asked nobody for no answer', async () => {
    const { gate, clock } = closed();
    await clock.advance(1200);
    gate.tryEnter();
    gate.leave('nothing');
    expect([gate.tryEnter(), gate.tryEnter()]).toEqual([true, false]);
  });
});
