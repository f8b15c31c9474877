import { describe, expect, it } from '@jest/globals';
import { StoreWithoutGenerationCheck, StoreWithoutOwnerCheck } from './simulated-store.js';
import { Simulation, type Mutation, type Report } from './simulation.js';

const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 20_000);
const FIRST_SEED = Number(process.env['SIMULATION_FIRST_SEED'] ?? 1);

async function firstViolation(count: number, mutation: Mutation = {}): Promise<Report | undefined> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed += 1) {
    const report = await new Simulation(seed, mutation).run();
    if (report.violations.length > 0) return report;
  }
  return undefined;
}

describe('the refresh protocol, simulated', () => {
  it(`breaks no promise under ${SEEDS} schedules of crashes, pauses, faults and logouts`, async () => {
    expect(await firstViolation(SEEDS)).toBeUndefined();
  }, 600_000);

  it('gives the same run for the same seed', async () => {
    expect(await new Simulation(7).run()).toEqual(await new Simulation(7).run());
  });

  it.each<[string, Mutation]>([
    ['second read under the lock', { withoutSecondRead: true }],
    ['generation check of the commit', { store: StoreWithoutGenerationCheck }],
    ['owner check of the lock', { store: StoreWithoutOwnerCheck }],
  ])('would notice that the %s is missing', async (_part, mutation) => {
    expect(await firstViolation(500, mutation)).toBeDefined();
  });
});
