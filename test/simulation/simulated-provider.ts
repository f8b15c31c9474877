import type { RefreshAnswer } from '../../lib/provider/refresh-answer.js';
import type { TokenSet } from '../../lib/provider/token-set.js';
import type { SimulatedProcess, World } from './world.js';

const LATENCY_MS = 50;
const LIFETIME_MS = 60_000;
const TIMEOUT_MS = 10_000;

/** One use of a refresh token, and whether its outcome can have been lost on the way to the store. */
interface Use {
  readonly process: SimulatedProcess;
  readonly sentAt: number;
  answerLost: boolean;
}

interface Family {
  readonly user: string;
  revoked: boolean;
  /** The session lost its refresh token in a way that nothing on this side can prevent. */
  excused: boolean;
  current: string;
  serial: number;
  readonly spentBy: Map<string, Use>;
}

/** A provider that rotates refresh tokens and revokes the family when a spent one comes back. */
export class SimulatedProvider {
  readonly violations: string[] = [];
  tokenRequests = 0;
  private readonly families: Family[] = [];

  constructor(
    private readonly world: World,
    private readonly leaseMs: number,
    private readonly faults: { readonly fails: number; readonly losesAnswer: number },
  ) {}

  issue(user: string): { readonly tokens: TokenSet; readonly family: Family } {
    const family: Family = {
      user,
      revoked: false,
      excused: false,
      current: `${user}.rt.0`,
      serial: 0,
      spentBy: new Map(),
    };
    this.families.push(family);
    return { tokens: this.tokensOf(family), family };
  }

  /** What a process has in the place of `ProviderService`. */
  clientOf(process: SimulatedProcess): unknown {
    return {
      prepare: async () => undefined,
      revoke: async () => true,
      verifyRefreshedIdToken: async () => undefined,
      refresh: (refreshToken: string, _original: unknown, sendBefore: number) =>
        this.refresh(process, refreshToken, sendBefore),
    };
  }

  private async refresh(process: SimulatedProcess, refreshToken: string, sendBefore: number): Promise<RefreshAnswer> {
    if (this.world.now > sendBefore) return { outcome: 'not_sent' };
    const sentAt = this.world.now;
    if (this.world.chance(this.faults.fails)) {
      await process.ask(LATENCY_MS, 'none', async () => undefined);
      return { outcome: 'transient', reason: 'http_500', retryAfterMs: undefined };
    }
    const answerLost = this.world.chance(this.faults.losesAnswer);
    const latency = answerLost ? TIMEOUT_MS : LATENCY_MS * this.world.between(0.5, 3);
    const answer = await process.ask(latency, 'none', async () =>
      this.answer(process, sentAt, refreshToken, answerLost),
    );
    return answerLost ? { outcome: 'transient', reason: 'timeout', retryAfterMs: undefined } : answer;
  }

  private answer(process: SimulatedProcess, sentAt: number, refreshToken: string, answerLost: boolean): RefreshAnswer {
    this.tokenRequests += 1;
    const family = this.families.find(({ user }) => refreshToken.startsWith(`${user}.`));
    if (!family) throw new Error(`unknown refresh token ${refreshToken}`);
    if (family.revoked) return { outcome: 'refused' };
    if (refreshToken !== family.current) {
      this.judge(family, refreshToken);
      family.revoked = true;
      return { outcome: 'refused' };
    }
    family.spentBy.set(refreshToken, { process, sentAt, answerLost });
    family.serial += 1;
    family.current = `${family.user}.rt.${family.serial}`;
    return { outcome: 'refreshed', tokens: this.tokensOf(family) };
  }

  /** A spent refresh token came back. That is a fault of ours unless its outcome could not reach the store. */
  private judge(family: Family, refreshToken: string): void {
    const use = family.spentBy.get(refreshToken);
    if (use && (use.answerLost || use.process.crashed || this.stoodStill(use))) {
      family.excused = true;
    } else {
      this.violations.push(`refresh token ${refreshToken} was presented twice`);
    }
  }

  /** Whether its process stood still past the lease between request and commit. */
  private stoodStill({ process, sentAt }: Use): boolean {
    return process.pauses.some(({ from, until }) => until > sentAt && until - from > this.leaseMs - 5000);
  }

  private tokensOf({ user, current, serial }: Family): TokenSet {
    return {
      accessToken: `${user}.at.${serial}`,
      tokenType: 'bearer',
      issuedAt: this.world.now,
      expiresAt: this.world.now + LIFETIME_MS,
      refreshToken: current,
      refreshTokenExpiresAt: undefined,
      idToken: undefined,
      scope: undefined,
    };
  }
}
