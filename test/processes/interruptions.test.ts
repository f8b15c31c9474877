import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import type { AppProcess } from './app-process.js';
import { Fleet, type User } from './fleet.js';
import { LoadClient, statuses, tokensOf, type Answer } from './load.js';

const LIFETIME = 60;
/** Seconds. */
const PROVIDER_TIMEOUT = 2;

describe('a refresh over four processes', () => {
  let fleet: Fleet;
  let user: User;
  let logins = 0;
  let firstToken: string;
  const client = new LoadClient();

  const ask = (index: number, path?: string): Promise<Answer> => client.get(fleet.process(index), user, path);
  const askAll = (): Promise<Answer[]> => client.burst(fleet, user, fleet.processes.length);
  const expire = (): Promise<void> => fleet.forward(LIFETIME + 1);
  const becomeDue = (): Promise<void> => fleet.forward(LIFETIME * 0.75);
  const presentations = (): number => fleet.provider.presentations.length;

  /** The provider has got a refresh. */
  const arrived = (): Promise<void> => eventually(() => expect(presentations()).toBe(1));

  beforeAll(async () => {
    fleet = await Fleet.start({ accessTokenLifetime: LIFETIME, providerTimeout: PROVIDER_TIMEOUT });
  }, 120_000);

  afterAll(async () => {
    client.close();
    await fleet.stop();
  });

  beforeEach(async () => {
    logins += 1;
    user = await fleet.logIn(`user-${logins}`);
    firstToken = tokensOf([await ask(0)])[0] ?? '';
    fleet.provider.presentations.length = 0;
    fleet.provider.revocations.length = 0;
  });

  afterEach(() => {
    fleet.provider.trouble = undefined;
  });

  /** Every process serves the same token, and it is not the one from before. */
  async function expectNewToken(): Promise<void> {
    const answers = await askAll();
    expect(statuses(answers)).toEqual({ 200: answers.length });
    expect(tokensOf(answers)).toHaveLength(1);
    expect(tokensOf(answers)).not.toContain(firstToken);
  }

  it('goes on when the browser goes away, and the next request uses its outcome', async () => {
    await expire();
    const release = fleet.provider.hold('before processing');
    const browser = connect(fleet.process(0).port, 'localhost');
    browser.write(`GET /token HTTP/1.1\r\nHost: localhost\r\nCookie: ${user.cookie}\r\n\r\n`);
    await arrived();
    browser.destroy();
    await pause(100);
    release();
    await eventually(() => expect(fleet.commits.some(({ session }) => session === user.session)).toBe(true));
    await expectNewToken();
    expect(presentations()).toBe(1);
  });

  it.each([
    ['that a request waits for', expire, false],
    ['beside the requests', becomeDue, true],
  ])('%s is finished by a process that is asked to end, which then ends with 0', async (_title, age, isAnswered) => {
    await age();
    const release = fleet.provider.hold('before the answer');
    const answer = ask(0);
    if (isAnswered) expect(tokensOf([await answer])).toEqual([firstToken]);
    await arrived();
    const exited = fleet.process(0).terminate();
    await pause(200);
    release();
    expect(await exited).toBe(0);
    expect((await answer).status).toBe(200);
    await fleet.restart(0);
    await expectNewToken();
    expect(presentations()).toBe(1);
  });

  it.each(['crashes', 'stands still'] as const)(
    'is not repeated by another process when Redis %s for seconds, between the answer and the commit',
    async (how) => {
      await expire();
      const release = fleet.provider.hold('before processing');
      const waiting = ask(0);
      await arrived();
      if (how === 'crashes') await fleet.redis.stop();
      else fleet.redis.pause();
      release();
      // Longer than the provider's deadline and the five seconds that the shortest lease adds to it.
      const back = Date.now() + (PROVIDER_TIMEOUT + 6) * 1000;
      while (Date.now() < back) expect(Object.keys(statuses(await askAll()))).not.toContain('401');
      if (how === 'crashes') await fleet.redis.start();
      else fleet.redis.resume();
      await waiting;
      await eventually(async () => expect(statuses(await askAll())).toEqual({ 200: fleet.processes.length }), 1000);
      await expectNewToken();
      expect(presentations()).toBe(1);
    },
    120_000,
  );

  it.each(['before processing', 'before the answer'] as const)(
    'does not bring back a session that is logged out meanwhile (held %s), and its tokens are revoked [REF-08]',
    async (where) => {
      await expire();
      const release = fleet.provider.hold(where);
      const waiting = ask(0);
      await arrived();
      await eventually(() => {
        const consumed = refreshTokensOf(user).some(({ consumedAt }) => consumedAt.length > 0);
        expect(consumed).toBe(where === 'before the answer');
      });
      const logout = await user.browser.fetch(`${fleet.process(1).url}/auth/logout`, { method: 'POST' });
      expect(logout.status).toBe(200);
      release();
      expect((await waiting).status).toBe(401);
      await eventually(() => expect(refreshTokensOf(user).every(({ revoked }) => revoked)).toBe(true));
      expect(statuses(await askAll())).toEqual({ 401: fleet.processes.length });
      expect(presentations()).toBe(1);
      if (where === 'before the answer') {
        // The one that nobody has seen but the process that had asked for it.
        const newest = [...fleet.provider.refreshTokens].findLast(([, { accountId }]) => accountId === user.account);
        const revocation = { process: fleet.process(0).id, token: newest?.[0] };
        await eventually(() => expect(fleet.provider.revocations).toContainEqual(revocation));
      }
    },
  );

  it('whose answer came while its process stood still, past the deadline of the request, is not lost', async () => {
    await expire();
    const release = fleet.provider.hold('before the answer');
    const answer = ask(0);
    await arrived();
    const frozen = fleet.process(0).freeze((PROVIDER_TIMEOUT + 1) * 1000);
    await pause(100);
    release();
    await frozen;
    expect((await answer).status).toBe(200);
    await expectNewToken();
    expect(presentations()).toBe(1);
  });

  it('serves a slow request that began before it and asks for the token after it', async () => {
    const began = fleet.process(0).heard('slow');
    const slow = ask(0, '/slow');
    await began;
    await expire();
    const [elsewhere] = tokensOf([await ask(1)]);
    await fleet.process(0).tell({ type: 'go' });
    const answer = await slow;
    expect(answer.status).toBe(200);
    expect(tokensOf([answer])).toEqual([elsewhere]);
    expect(elsewhere).not.toBe(firstToken);
    expect(presentations()).toBe(1);
  });

  it('is not done again for requests that arrive just after it', async () => {
    await expire();
    await ask(0);
    await expectNewToken();
    expect(presentations()).toBe(1);
  });

  it('that was refused for the client logs nobody out, and is one log line per process [REF-07]', async () => {
    const others = await Promise.all([1, 2, 3].map((number) => fleet.logIn(`colleague-${logins}-${number}`)));
    await expire();
    fleet.provider.trouble = { kind: 'status', status: 401, body: '{"error":"invalid_client"}' };
    for (let round = 0; round < 5; round += 1) {
      for (const somebody of [user, ...others]) {
        const answers = await client.burst(fleet, somebody, 20);
        expect(statuses(answers)).toEqual({ 503: answers.length });
      }
    }
    const lines = (): number[] => fleet.processes.map((process) => linesOf(process, 'refresh.misconfigured').length);
    await eventually(() => expect(lines()).toContain(1));
    await pause(200);
    expect(lines().filter((count) => count > 1)).toEqual([]);
    fleet.provider.trouble = undefined;
    // The cool-down is over.
    await fleet.forward(5);
    for (const somebody of [user, ...others]) {
      expect(statuses(await client.burst(fleet, somebody, 8))).toEqual({ 200: 8 });
    }
  });

  describe('that the provider wants to hear of in five seconds (429 with Retry-After: 5)', () => {
    const wait = { kind: 'status', status: 429, headers: { 'retry-after': '5' } } as const;

    /** These users ask every process all the time. When the provider heard of them, by its own clock. */
    async function heardWhileAsking(users: readonly User[], forMs: number): Promise<number[]> {
      fleet.provider.trouble = undefined;
      const before = presentations();
      const endsAt = Date.now() + forMs;
      while (Date.now() < endsAt) {
        await Promise.all(users.map((one) => client.burst(fleet, one, 8)));
        await pause(50);
      }
      return fleet.provider.presentations.slice(before).map(({ arrivedAt }) => arrivedAt);
    }

    it('is not sent again by any process before that [REF-07]', async () => {
      await expire();
      fleet.provider.trouble = wait;
      expect((await ask(0)).status).toBe(503);
      const told = fleet.provider.presentations[0]?.arrivedAt ?? Number.NaN;
      const heard = await heardWhileAsking([user], 6000);
      expect(heard).toHaveLength(1);
      expect((heard[0] ?? 0) - told).toBeGreaterThanOrEqual(5000);
      await expectNewToken();
    });

    it('keeps every session quiet in each process that was told so', async () => {
      const colleagues = [1, 2, 3].map((number) => fleet.logIn(`colleague-${logins}-${number}`));
      const everybody = [user, ...(await Promise.all(colleagues))];
      await expire();
      fleet.provider.trouble = wait;
      for (const [index, one] of everybody.entries()) {
        expect((await client.get(fleet.process(index), one)).status).toBe(503);
      }
      const told = fleet.provider.presentations[0]?.arrivedAt ?? Number.NaN;
      const heard = await heardWhileAsking(everybody, 7000);
      expect(heard).toHaveLength(everybody.length);
      expect(heard.filter((at) => at - told < 5000)).toEqual([]);
      for (const one of everybody) expect(statuses(await client.burst(fleet, one, 4))).toEqual({ 200: 4 });
    });
  });

  function refreshTokensOf({ account }: User): { readonly consumedAt: readonly number[]; readonly revoked: boolean }[] {
    return [...fleet.provider.refreshTokens.values()].filter(({ accountId }) => accountId === account);
  }
});

function linesOf(process: AppProcess, text: string): string[] {
  return process.output.split('\n').filter((line) => line.includes(text));
}
