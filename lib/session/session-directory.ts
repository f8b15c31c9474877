import { Inject, Injectable } from '@nestjs/common';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { IndexKeys } from './index-keys.js';
import { SessionRepository } from './session-repository.js';
import type { Session, SessionSummary } from './session.js';

/** A session in the directory. It may have ended meanwhile. */
export interface DirectoryEntry {
  readonly id: string;
  /** When the provider issued the ID token of its login (`iat`). Epoch milliseconds. */
  readonly issuedAt: number;
}

/**
 * Finds sessions without their cookies: by their user, for administration, and by the provider's session, for its logout.
 * An entry ends with the absolute lifetime of its session, so it may outlive it.
 */
@Injectable()
export class SessionDirectory {
  private readonly keys: IndexKeys;

  constructor(
    @Inject(RESOLVED_OPTIONS) { secrets, issuer }: ResolvedOptions,
    @Inject(SessionRepository) private readonly repository: SessionRepository,
  ) {
    this.keys = new IndexKeys(secrets, issuer);
  }

  /** @throws StoreUnavailableError */
  async enter(session: Session, issuedAt: number): Promise<void> {
    const member = format({ id: session.id, issuedAt });
    await Promise.all(
      this.setsOf(session).map((set) => this.repository.addMember(set, member, session.absoluteExpiresAt)),
    );
  }

  /** Every session of a user. @throws StoreUnavailableError */
  async ofUser(sub: string): Promise<readonly DirectoryEntry[]> {
    return (await this.repository.members(this.keys.of('sub', sub))).map(parse);
  }

  /** Every session that began in this session at the provider. @throws StoreUnavailableError */
  async ofProviderSession(sid: string): Promise<readonly DirectoryEntry[]> {
    return (await this.repository.members(this.keys.of('sid', sid))).map(parse);
  }

  /** A user's sessions that are alive, the newest first. What has ended leaves the directory. @throws StoreUnavailableError */
  async summaries(sub: string): Promise<readonly SessionSummary[]> {
    const entries = await this.ofUser(sub);
    const summaries = await Promise.all(
      entries.map(async (entry) => {
        const summary = await this.repository.summary(entry.id, sub);
        if (!summary) await this.repository.removeMember(this.keys.of('sub', sub), format(entry));
        return summary;
      }),
    );
    return summaries
      .filter((summary) => typeof summary === 'object')
      .sort((one, other) => other.createdAt - one.createdAt);
  }

  private setsOf({ sub, sid }: Session): readonly (readonly string[])[] {
    const user = this.keys.of('sub', sub);
    return sid === undefined ? [user] : [user, this.keys.of('sid', sid)];
  }
}

function format({ id, issuedAt }: DirectoryEntry): string {
  return `${id}.${issuedAt}`;
}

function parse(member: string): DirectoryEntry {
  const [id = '', issuedAt] = member.split('.', 2);
  return { id, issuedAt: Number(issuedAt) };
}
