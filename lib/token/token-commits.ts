import { sleep, type Clock } from '../common/clock.js';
import { StoreUnavailableError } from '../common/errors.js';
import type { EventLog } from '../common/events.js';
import { jitter } from '../common/random.js';
import { SingleFlight } from '../common/single-flight.js';
import type { Revocations } from '../provider/revocations.js';
import type { SessionRepository } from '../session/session-repository.js';
import type { LoadedSession } from '../session/session.js';
import type { ReplaceResult, StoredSession } from '../store/session-store.js';

/** How long shutdown waits for a store that is away. */
const LAST_COMMITS_MS = 5000;
const FIRST_RETRY_MS = 50;
/** How long until a store that is away is asked again, at most. */
export const LONGEST_COMMIT_RETRY_MS = 500;

/** What a refresh has brought, for the store. */
export interface Commit {
  /** The session with its new tokens. */
  readonly next: LoadedSession;
  readonly stored: StoredSession;
  /** The refresh token that came, if one did: nobody's, when the session is gone meanwhile. */
  readonly refreshToken: string | undefined;
  /** Of the refresh lock: names this refresh. */
  readonly owner: string;
}

/** Writes the outcomes of refreshes. While the store is away they are kept here, and written when it is back. */
export class TokenCommits {
  private readonly writing = new SingleFlight<void>();
  /** What the store has not taken yet, by the session's id: this process goes on from it. */
  private readonly kept = new Map<string, LoadedSession>();
  /** At shutdown a store that stays away is not waited for without end. */
  private lastCommitAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly sessions: SessionRepository,
    private readonly revocations: Revocations,
    private readonly events: EventLog,
  ) {}

  /** The session as the store will have it, when this process is ahead of what was read. */
  ahead({ session, generation }: LoadedSession): LoadedSession | undefined {
    const kept = this.kept.get(session.id);
    return kept && kept.generation > generation ? kept : undefined;
  }

  /** `'kept'`: the store is away. */
  async write(commit: Commit): Promise<ReplaceResult | 'kept'> {
    try {
      return await this.attempt(commit);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      this.kept.set(commit.next.session.id, commit.next);
      void this.writing.run(commit.owner, () => this.writeLater(commit));
      return 'kept';
    }
  }

  /** What is kept of a session is not wanted any more. */
  forget(sessionId: string): void {
    this.kept.delete(sessionId);
  }

  /** When everything is written, or given up. */
  async drain(): Promise<void> {
    this.lastCommitAt = this.clock.now() + LAST_COMMITS_MS;
    await this.writing.settled();
  }

  private async attempt({ next, stored, refreshToken, owner }: Commit): Promise<ReplaceResult> {
    const result = await this.sessions.replace(next.session.id, stored, owner);
    // Logged out meanwhile: these tokens belong to nobody.
    if (result === 'gone') this.revocations.revoke(refreshToken);
    return result;
  }

  /** Until the outcome is written, is not wanted any more, or the session is over. */
  private async writeLater(commit: Commit): Promise<void> {
    const { next } = commit;
    const { id, expiresAt } = next.session;
    let pauseMs = FIRST_RETRY_MS;
    while (this.clock.now() < Math.min(expiresAt, this.lastCommitAt)) {
      await sleep(this.clock, pauseMs * jitter(0.1));
      if (this.kept.get(id) !== next) return;
      this.events.emit({ name: 'refresh.commit_retried', session: id });
      try {
        await this.attempt(commit);
        break;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) break;
        pauseMs = Math.min(pauseMs * 2, LONGEST_COMMIT_RETRY_MS);
      }
    }
    if (this.kept.get(id) === next) this.kept.delete(id);
  }
}
