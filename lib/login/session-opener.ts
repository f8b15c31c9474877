import { Inject, Injectable } from '@nestjs/common';
import type { Claims } from '../common/claims.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { sessionExpiryOf } from '../provider/id-token.js';
import type { Login } from '../provider/provider.service.js';
import { Revocations } from '../provider/revocations.js';
import { LogoutNotes } from '../session/logout-notes.js';
import { SessionDirectory } from '../session/session-directory.js';
import { SessionRepository } from '../session/session-repository.js';
import { sessionIdOf } from '../session/session-token.js';
import { undamagedTokens, type Device, type LoadedSession, type Session } from '../session/session.js';
import { CallbackRejectedError, SubjectChangedError } from './login-errors.js';

/** Makes the session of a login: in the store, in the directory, within the user's limit, in the old one's place. */
@Injectable()
export class SessionOpener {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SessionRepository) private readonly sessions: SessionRepository,
    @Inject(SessionDirectory) private readonly directory: SessionDirectory,
    @Inject(LogoutNotes) private readonly notes: LogoutNotes,
    @Inject(Revocations) private readonly revocations: Revocations,
  ) {}

  /**
   * A new session under a new token, with these claims. That of `previousToken` is about to go, so it counts no more.
   *
   * @throws CallbackRejectedError (`logged_out`) when the provider has logged the user out meanwhile
   * @throws StoreUnavailableError
   */
  async open(
    login: Login,
    claims: Claims,
    device: Device | undefined,
    previousToken: string | undefined,
  ): Promise<LoadedSession> {
    const { tokens } = login;
    const loaded = await this.sessions.create(claims, tokens, device, sessionExpiryOf(login.claims));
    const { id, sub, sid } = loaded.session;
    const issuedAt = Number(login.claims['iat']) * 1000;
    await this.directory.enter(loaded.session, issuedAt);
    if (await this.notes.concern({ sub, sid, issuedAt, askedAt: tokens.issuedAt })) {
      await this.sessions.end(id, 'back_channel_logout');
      this.revocations.revoke(tokens.refreshToken);
      throw new CallbackRejectedError('logged_out');
    }
    await this.keepLimit(loaded.session, previousToken);
    return loaded;
  }

  /**
   * For a login that nobody saw (`prompt=none`): it may renew a session, and never put another user in its place. Who sits
   * there is unknown then, so the session ends, and the next login asks.
   *
   * @throws SubjectChangedError, StoreUnavailableError
   */
  async requireSameUser(token: string, { claims, tokens }: Login): Promise<void> {
    const previous = await this.sessions.loadReadable(token);
    if (!previous || previous.session.sub === claims.sub) return;
    await this.sessions.end(previous.session.id, 'subject_changed');
    this.revocations.revoke(tokens.refreshToken);
    throw new SubjectChangedError();
  }

  /** Ends the session that this browser had before. @throws StoreUnavailableError */
  async endPrevious(token: string, { sub }: Session): Promise<void> {
    const loaded = await this.sessions.loadReadable(token);
    const previous = loaded && (await this.sessions.endLatest(loaded, 'replaced_by_login'));
    if (!loaded) await this.sessions.end(sessionIdOf(token), 'replaced_by_login');
    // To many a provider both logins of one user are one grant: it would revoke the new tokens with the old.
    if (!this.options.logout.revokeTokens || !previous || previous.session.sub === sub) return;
    this.revocations.revoke(undamagedTokens(previous)?.refreshToken);
  }

  /**
   * The oldest sessions of the user go (OWASP ASVS 7.1.2). Of logins at the same moment both may stay.
   *
   * @throws StoreUnavailableError
   */
  async keepLimit({ id, sub }: Session, previousToken?: string): Promise<void> {
    const { maxPerUser } = this.options.session;
    if (maxPerUser === undefined) return;
    const ofThisBrowser = new Set([id, previousToken && sessionIdOf(previousToken)]);
    const others = (await this.directory.summaries(sub)).filter((summary) => !ofThisBrowser.has(summary.id));
    await Promise.all(others.slice(maxPerUser - 1).map((summary) => this.sessions.end(summary.id, 'session_limit')));
  }
}
