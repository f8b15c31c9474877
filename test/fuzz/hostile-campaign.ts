import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { canary } from '../support/canary.js';
import { Campaign, heapInUse, type CampaignOptions } from './campaign.js';
import { entriesIn } from './watched-store.js';

/** Of all files together. To run one round again: FUZZ_SEED, FUZZ_ROUND and FUZZ_REQUESTS=1. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 100_000);
const FIRST_ROUND = Number(process.env['FUZZ_ROUND'] ?? 1);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const LONGEST_MS = 600_000;
/** After the first part everything is compiled, connected and cached: from there on the heap stays as it is. */
const WARM_UP = 0.3;
const MOST_GROWTH_BYTES = 8 * 1024 * 1024;

/** What must have happened often enough for the rest to mean something. */
const KINDS: readonly string[] = [
  'noise',
  'login',
  'callback',
  'session',
  'logout',
  'back-channel logout',
  'malformed',
];
const STATUSES: readonly string[] = ['200', '302', '303', '400', '401', '403', '404', '502', '503'];

export interface Share extends Omit<CampaignOptions, 'seed'> {
  /** Of all requests. */
  readonly share: number;
  /** How many entries the store holds now. @default those of a memory store */
  readonly entries?: () => Promise<number>;
}

/** A promise about the answers is held by the judge, about what is left behind by the tests after it. */
export function withstandsHostileRequests({ share, entries, ...options }: Share): void {
  const requests = Math.ceil(REQUESTS * share);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  let campaign: Campaign;

  beforeAll(async () => {
    process.on('unhandledRejection', onUnhandled);
    campaign = await Campaign.start({ ...options, seed: SEED });
  });

  // Hostile requests call anything a token or a code. Here the judge looks for those that are.
  afterEach(() => void canary.findings());

  afterAll(async () => {
    await campaign.stop();
    process.off('unhandledRejection', onUnhandled);
  });

  it(
    `answers ${requests} of ${REQUESTS} hostile requests as documented, and its memory does not grow (seed ${SEED}) [ERR-01] [DOS-01]`,
    async () => {
      let warm: number | undefined;
      await campaign.run(requests, FIRST_ROUND, () => {
        if (campaign.sent > requests * WARM_UP) warm ??= heapInUse();
      });
      expect(campaign.findings).toEqual([]);
      expect(heapInUse() - (warm ?? 0)).toBeLessThan(MOST_GROWTH_BYTES);
    },
    LONGEST_MS,
  );

  it('was asked for everything, and gave every kind of answer', () => {
    const missing = [...KINDS, ...STATUSES].filter((name) => !campaign.judge.seen.has(name));
    expect(requests < 20_000 ? [] : missing).toEqual([]);
  });

  it('stores nothing but what real logins and logouts left [DOS-01] [SES-08]', async () => {
    const { watch, sessionsGiven, unanswered, goodLogoutTokens, loginsLooted } = campaign;
    const logins = campaign.eventCount('login.succeeded');
    expect(logins).toBeGreaterThanOrEqual(sessionsGiven);
    expect(logins).toBeLessThanOrEqual(sessionsGiven + unanswered);
    // A logout token that overtakes a login ends its session before anybody has it.
    expect(watch.count('create') - logins).toBeLessThanOrEqual(
      campaign.eventCount('session.ended back_channel_logout'),
    );
    // A session, its two indices with a member each; a mark for each login that came back; what logout tokens leave.
    const most = 5 * sessionsGiven + loginsLooted + 5 * goodLogoutTokens;
    expect(await (entries?.() ?? entriesIn(watch.inner))).toBeLessThanOrEqual(most);
  });

  it('leaves no rejected promise without a handler [ERR-01]', () => {
    expect(unhandled).toEqual([]);
  });

  it('logs a user in right after [ERR-01]', async () => {
    expect(await campaign.honestUser()).toMatchObject({ status: 200, body: '{"sub":"honest"}' });
  });
}
