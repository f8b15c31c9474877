import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../common/clock.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { IndexKeys, type IndexKind } from './index-keys.js';
import { SessionRepository } from './session-repository.js';

/** Whose sessions a logout ends: a user's, those of one session at the provider, or those of both (Back-Channel Logout 1.0 §2.4). */
export interface LogoutTarget {
  readonly sub: string | undefined;
  readonly sid: string | undefined;
}

/** A login about to become a session. */
export interface Newborn {
  readonly sub: string;
  readonly sid: string | undefined;
  /** When the provider issued its ID token (`iat`). Epoch milliseconds. */
  readonly issuedAt: number;
  /** When its tokens were asked for. Epoch milliseconds. */
  readonly askedAt: number;
}

/** A logout that the provider told of. */
interface Note {
  /** `iat` of the logout token. Epoch milliseconds. */
  readonly issuedAt: number;
  readonly receivedAt: number;
}

/** Longer than a logout token is accepted: its age of five minutes and twice the clock tolerance. */
const REPLAY_MEMORY_MS = 600_000;

/**
 * What is remembered of the provider's logouts: that a logout token was acted upon, so that a replay does nothing, and
 * whom it was about, so that a login that was under way meanwhile does not become a session.
 */
@Injectable()
export class LogoutNotes {
  private readonly keys: IndexKeys;
  private readonly memoryMs: number;

  constructor(
    @Inject(RESOLVED_OPTIONS) { secrets, issuer, login, idToken }: ResolvedOptions,
    @Inject(SessionRepository) private readonly repository: SessionRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.keys = new IndexKeys(secrets, issuer);
    this.memoryMs = (login.lifetime + idToken.clockTolerance) * 1000;
  }

  /** Before the sessions are looked for: a login under way either is found among them, or finds this. */
  async add(target: LogoutTarget, issuedAt: number): Promise<void> {
    const receivedAt = this.clock.now();
    await this.repository.addMember(this.setOf(target), `${issuedAt}.${receivedAt}`, receivedAt + this.memoryMs);
  }

  /** Whether the provider has logged this login out while it was under way. Asked once it is in the directory. */
  async concern(newborn: Newborn): Promise<boolean> {
    const { sub, sid } = newborn;
    const bySub = this.notes({ sub, sid: undefined });
    const bySid = sid === undefined ? [] : [this.notes({ sub: undefined, sid }), this.notes({ sub, sid })];
    const [ofUser, ...ofProviderSession] = await Promise.all([bySub, ...bySid]);
    return (
      ofUser.some((note) => isOlder(newborn, note) || (isSameSecond(newborn, note) && wasUnderWay(newborn, note))) ||
      // A session at the provider that has ended does not come back, whatever its clocks say.
      ofProviderSession.flat().some((note) => isOlder(newborn, note) || wasUnderWay(newborn, note))
    );
  }

  /** Whether this logout token has been acted upon (`jti`). */
  async isReplay(jti: string): Promise<boolean> {
    return (await this.repository.members(this.keys.of('jti', jti))).length > 0;
  }

  /** Once everything is done: a logout that failed half way may come again. */
  async actedUpon(jti: string): Promise<void> {
    await this.repository.addMember(this.keys.of('jti', jti), 'done', this.clock.now() + REPLAY_MEMORY_MS);
  }

  private async notes(target: LogoutTarget): Promise<readonly Note[]> {
    return (await this.repository.members(this.setOf(target))).map((member) => {
      const [issuedAt, receivedAt] = member.split('.', 2);
      return { issuedAt: Number(issuedAt), receivedAt: Number(receivedAt) };
    });
  }

  private setOf({ sub, sid }: LogoutTarget): readonly string[] {
    const values = [sub, sid].filter((value) => value !== undefined);
    const kind: IndexKind =
      sid === undefined ? 'logout of sub' : sub === undefined ? 'logout of sid' : 'logout of sub and sid';
    return this.keys.of(kind, ...values);
  }
}

function isOlder(newborn: Newborn, note: Note): boolean {
  return newborn.issuedAt < note.issuedAt;
}

function isSameSecond(newborn: Newborn, note: Note): boolean {
  return newborn.issuedAt === note.issuedAt;
}

/** Whether its tokens had been asked for when the logout arrived. */
function wasUnderWay(newborn: Newborn, note: Note): boolean {
  return newborn.askedAt <= note.receivedAt;
}
