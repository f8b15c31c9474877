import { expect, it } from '@jest/globals';
import { Simulation, type Mutation, type Report } from './simulation.js';

const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 20_000);
const FIRST_SEED = Number(process.env['SIMULATION_FIRST_SEED'] ?? 1);
const LONGEST_MS = 900_000;

/** The report of the first seed that breaks a promise: run it again with SIMULATION_FIRST_SEED and SIMULATION_SEEDS=1. */
export async function firstViolation(seeds: Iterable<number>, mutation: Mutation = {}): Promise<Report | undefined> {
  for (const seed of seeds) {
    const report = await new Simulation(seed, mutation).run();
    if (report.violations.length > 0) return report;
  }
  return undefined;
}

/** Two files share the seeds, one each per core. */
export function breaksNoPromise(share: 0 | 1): void {
  it(
    `breaks no promise under ${SEEDS / 2} of ${SEEDS} schedules of crashes, pauses, faults and logouts`,
    async () => {
      const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index);
      expect(await firstViolation(seeds.filter((_, index) => index % 2 === share || SEEDS === 1))).toBeUndefined();
    },
    LONGEST_MS,
  );
}
