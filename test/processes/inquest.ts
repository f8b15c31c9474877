import type { Hearing } from './app-process.js';
import type { Fleet } from './fleet.js';
import type { Loss, Population } from './population.js';
import type { Presentation, RefreshTokenRecord } from './strict-provider.js';

/** What an answer may take from one process to the other, on a machine that is busy. */
const ON_THE_WAY_MS = 100;

/** A refresh token that came back to the provider although it was spent. */
export interface Case {
  readonly account: string;
  /** What happened between the provider's work and the commit. `undefined`: nothing, so it is a bug. */
  readonly excuse: 'killed' | 'frozen' | 'late answer' | undefined;
  readonly story: string;
}

/**
 * Why refresh tokens were presented again after they were spent.
 *
 * A process that presents one and is killed, or frozen past its lease, before the new one is in the store takes it along:
 * the next process has nothing but the spent one. Nothing on this side can prevent that, nor that a provider spends a token
 * and answers after the deadline. Such a case is excused, by what is known of the very process and the very request.
 * Everything else is a bug.
 */
export function reuses(fleet: Fleet, population: Population, providerTimeoutMs: number): Case[] {
  return [...fleet.provider.refreshTokens]
    .filter(([, { reusedAt, consumedAt }]) => reusedAt.length > 0 || consumedAt.length > 1)
    .map(([token, record]) => inquire(fleet, population, token, record, providerTimeoutMs));
}

/** Users who were logged out although no refresh token of theirs was presented twice, or nothing excuses that. */
export function unexplained(losses: readonly Loss[], cases: readonly Case[]): Loss[] {
  return losses.filter(({ account }) => !cases.some((one) => one.account === account && one.excuse !== undefined));
}

function inquire(
  fleet: Fleet,
  population: Population,
  token: string,
  { accountId: account, consumedAt, reusedAt }: RefreshTokenRecord,
  providerTimeoutMs: number,
): Case {
  const presented = fleet.provider.presentations.filter((one) => one.token === token && one.processed);
  const spentAt = consumedAt[0] ?? Number.NaN;
  // Whoever came last before it was spent has spent it.
  const spender = presented.findLast(({ arrivedAt }) => arrivedAt <= spentAt);
  const isSpenders = ({ process, at }: { process: string; at: number }): boolean =>
    spender !== undefined && process === spender.process && at >= spender.sentAt;
  const session = population.everybody.get(account)?.session;
  const committed = fleet.commits.find((one) => one.session === session && isSpenders(one));
  const heard = fleet.hearings.find((one) => one.token === token && isSpenders(one));
  const end = endOfDanger(committed?.at, heard, reusedAt[0]);
  return {
    account,
    excuse: spender && (disturbance(fleet, spender, end) ?? lateness(spender, heard, providerTimeoutMs)),
    story: JSON.stringify({ account, presented, spentAt, heard, committedAt: committed?.at, reusedAt }),
  };
}

/** Until when the new refresh token could be lost: it is safe, or was never received, or the old one has come back. */
function endOfDanger(
  committedAt: number | undefined,
  heard: Hearing | undefined,
  reusedAt = Number.POSITIVE_INFINITY,
): number {
  return Math.min(committedAt ?? reusedAt, heard?.answered === false ? heard.at : reusedAt, reusedAt);
}

function disturbance(fleet: Fleet, { process, sentAt }: Presentation, end: number): 'killed' | 'frozen' | undefined {
  return fleet.disturbances.find((one) => one.process === process && one.from <= end && one.until >= sentAt)?.kind;
}

/** The process waited for as long as it may, and heard nothing; the provider answered when that time was up, or never. */
function lateness(
  { sentAt, answeredAt = Number.POSITIVE_INFINITY }: Presentation,
  heard: Hearing | undefined,
  providerTimeoutMs: number,
): 'late answer' | undefined {
  const deadline = sentAt + providerTimeoutMs;
  const heardNothing = heard?.answered === false && heard.at > deadline - ON_THE_WAY_MS;
  return heardNothing && answeredAt > deadline - ON_THE_WAY_MS ? 'late answer' : undefined;
}
