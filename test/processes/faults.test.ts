import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Chaos } from './chaos.js';
import { Fleet } from './fleet.js';
import { reuses, unexplained, type Case } from './inquest.js';
import { Population } from './population.js';

/** The long run: PROCESS_SESSIONS=200 PROCESS_SECONDS=180. A run comes again with its PROCESS_SEED, as far as time allows. */
const SESSIONS = Number(process.env['PROCESS_SESSIONS'] ?? 20);
const SECONDS = Number(process.env['PROCESS_SECONDS'] ?? 20);
const SEED = Number(process.env['PROCESS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Seconds. */
const ACCESS_TOKEN_LIFETIME = 4;
// Many sessions keep the provider busy, which shares two cores with everything else: its answers must not be late by that.
const PROVIDER_TIMEOUT = SESSIONS > 50 ? 5 : 2;
/** The shortest there can be, so that freezes can outlast it. */
const LEASE_MS = (PROVIDER_TIMEOUT + 5) * 1000;
/** Cool-downs may have grown to half a minute. */
const RECOVERY_MS = 45_000;

// What is chosen at random is no part of a title: docs/security.md names the tests of every run alike.
describe('sessions on four processes while everything fails', () => {
  let fleet: Fleet;
  let population: Population;
  let cases: Case[];
  let withoutService: string[];

  beforeAll(
    async () => {
      tell([`seed ${SEED}, ${SESSIONS} sessions, ${SECONDS} s`]);
      fleet = await Fleet.start({
        accessTokenLifetime: ACCESS_TOKEN_LIFETIME,
        providerTimeout: PROVIDER_TIMEOUT,
        lease: LEASE_MS / 1000,
      });
      population = new Population(fleet, SEED);
      await population.arrive(SESSIONS);
      const chaos = new Chaos(fleet, SEED, LEASE_MS);
      await chaos.run(SECONDS * 1000);
      await population.rest();
      withoutService = await population.withoutService(RECOVERY_MS);
      cases = reuses(fleet, population, PROVIDER_TIMEOUT * 1000);
      report(chaos);
    },
    SECONDS * 1000 + 180_000,
  );

  afterAll(async () => {
    population.close();
    await fleet.stop();
  });

  function report(chaos: Chaos): void {
    const { provider } = fleet;
    const lost = new Set(population.lost.map(({ account }) => account));
    const excused = (kind: string): number => cases.filter(({ excuse }) => excuse === kind).length;
    const events = ['succeeded', 'adopted', 'shared', 'transient', 'wait_timeout', 'commit_retried', 'refused'];
    tell([
      `faults: ${JSON.stringify(chaos.done)}`,
      `answers by status (0: connection broken): ${JSON.stringify(population.answers)}`,
      `refresh requests: ${provider.presentations.length}, acted upon by the provider: ${provider.presentations.filter(({ processed }) => processed).length}`,
      `events: ${events.map((name) => `${name} ${fleet.count(`refresh.${name}`)}`).join(', ')}`,
      `spent refresh tokens presented: ${cases.length}, of which the holder was killed ${excused('killed')}, frozen ${excused('frozen')} before the commit, and the provider's answer was too late ${excused('late answer')}`,
      `users logged out: ${lost.size}, of which excused by that: ${lost.size - new Set(unexplained(population.lost, cases).map(({ account }) => account)).size}`,
    ]);
  }

  it('the test has done what it says', () => {
    expect(population.answers[200]).toBeGreaterThan(SESSIONS * SECONDS * 0.2);
    expect(fleet.provider.presentations.length).toBeGreaterThan(SESSIONS * 2);
  });

  it('no refresh token is presented twice, save those whose successor was lost with a process or on the way [REF-01]', () => {
    expect(cases.filter(({ excuse }) => excuse === undefined).map(({ story }) => story)).toEqual([]);
  });

  it('no user is logged out, save those', () => {
    expect(unexplained(population.lost, cases)).toEqual([]);
  });

  it('nobody gets the token of somebody else, and every answer is 200 or 503 [REF-12]', () => {
    expect(population.wrong).toEqual([]);
  });

  it('every session works on every process when all is over [REF-02]', () => {
    expect(withoutService).toEqual([]);
  });
});

function tell(lines: readonly string[]): void {
  process.stderr.write(`${lines.map((line) => `    ${line}`).join('\n')}\n`);
}
