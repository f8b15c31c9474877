import { describe, expect, it } from '@jest/globals';
import { firstViolation } from './many-seeds.js';
import { StoreWithoutGenerationCheck, StoreWithoutOwnerCheck } from './simulated-store.js';
import { Simulation, type Mutation, type Report } from './simulation.js';

const FEW_HUNDRED = Array.from({ length: 400 }, (_, index) => index + 1);

describe('the simulation of the refresh protocol', () => {
  it('gives the same run for the same seed', async () => {
    expect(await new Simulation(7).run()).toEqual(await new Simulation(7).run());
  });

  it('has processes answer requests and refresh tokens', async () => {
    const reports: Report[] = [];
    for (const seed of FEW_HUNDRED.slice(0, 20)) reports.push(await new Simulation(seed).run());
    expect(reports.every(({ answered }) => answered > 0)).toBe(true);
    expect(reports.reduce((sum, { tokenRequests }) => sum + tokenRequests, 0)).toBeGreaterThan(40);
  });

  it.each<[string, Mutation]>([
    ['second read under the lock', { withoutSecondRead: true }],
    ['generation check of the commit', { store: StoreWithoutGenerationCheck }],
    ['owner check of the lock', { store: StoreWithoutOwnerCheck }],
  ])('notices that the %s is missing [REF-01] [REF-02]', async (_part, mutation) => {
    const report = await firstViolation(FEW_HUNDRED, mutation);
    expect(report).toBeDefined();
  });
});
