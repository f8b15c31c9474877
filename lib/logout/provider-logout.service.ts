import { Inject, Injectable } from '@nestjs/common';
import { EventLog } from '../common/events.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { LogoutTokenValidator } from '../provider/logout-token.js';
import { LogoutNotes, type LogoutTarget } from '../session/logout-notes.js';
import { SessionDirectory } from '../session/session-directory.js';
import { SessionRepository } from '../session/session-repository.js';

/** Logouts that begin at the provider: it tells of them, with no browser and no cookie. */
@Injectable()
export class ProviderLogoutService {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(LogoutTokenValidator) private readonly logoutTokens: LogoutTokenValidator,
    @Inject(LogoutNotes) private readonly notes: LogoutNotes,
    @Inject(SessionDirectory) private readonly directory: SessionDirectory,
    @Inject(SessionRepository) private readonly sessions: SessionRepository,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  /**
   * Acts upon a logout token (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.7). Sessions that nobody has any more are
   * no error, nor is a token that comes again: it does nothing then. Tokens of the provider are left to it, as §2.7 says.
   *
   * @throws LogoutTokenInvalidError, ProviderUnreachableError, ProviderFaultError, StoreUnavailableError
   */
  async backChannel(logoutToken: string): Promise<void> {
    const { sub, sid, jti, issuedAt } = await this.logoutTokens.validate(logoutToken);
    if (await this.notes.isReplay(jti)) return this.events.emit({ name: 'logout.replayed' });
    await this.notes.add({ sub, sid }, issuedAt);
    const ids = await this.idsOf({ sub, sid }, issuedAt);
    const ended = await Promise.all(ids.map((id) => this.sessions.end(id, 'back_channel_logout')));
    await this.notes.actedUpon(jti);
    this.events.emit({ name: 'logout.back_channel', sessions: ended.filter(Boolean).length });
  }

  /**
   * Acts upon a front-channel logout (OpenID Connect Front-Channel Logout 1.0 §2): whoever knows the `sid`, which is no
   * secret of the user's browser, ends the sessions that began with it. Another issuer's does nothing.
   *
   * @throws StoreUnavailableError
   */
  async frontChannel(iss: string, sid: string): Promise<void> {
    if (iss !== this.options.issuer) return;
    const entries = await this.directory.ofProviderSession(sid);
    const ended = await Promise.all(entries.map(({ id }) => this.sessions.end(id, 'front_channel_logout')));
    this.events.emit({ name: 'logout.front_channel', sessions: ended.filter(Boolean).length });
  }

  /** The sessions of the `sid`, and of the `sub` where both are named; without a `sid` those of the `sub` so far. */
  private async idsOf({ sub, sid }: LogoutTarget, issuedAt: number): Promise<readonly string[]> {
    const [ofSid, ofSub] = await Promise.all([
      sid === undefined ? undefined : this.directory.ofProviderSession(sid),
      sub === undefined ? undefined : this.directory.ofUser(sub),
    ]);
    if (!ofSid) return (ofSub ?? []).filter((entry) => entry.issuedAt <= issuedAt).map(({ id }) => id);
    const ids = ofSid.map(({ id }) => id);
    return ofSub ? ids.filter((id) => ofSub.some((entry) => entry.id === id)) : ids;
  }
}
