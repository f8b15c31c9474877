import { Inject, Injectable } from '@nestjs/common';
import { LoginRequiredError } from '../common/errors.js';
import { EventLog } from '../common/events.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { Revocations } from '../provider/revocations.js';
import { SessionDirectory } from './session-directory.js';
import { slotOf } from './request-slot.js';
import { SessionRepository } from './session-repository.js';
import { SessionView } from './session-view.js';
import { likelyTokenOf } from './session-token.js';
import {
  NOBODY,
  undamagedTokens,
  type LoadedSession,
  type Loading,
  type Session,
  type SessionSummary,
} from './session.js';

/** A request of any platform: all that is looked at is its `Cookie` header. */
export interface RequestWithCookies {
  readonly headers: { readonly cookie?: string | undefined };
}

/**
 * Whose session is meant: a request's, or one that this process holds, for a timer, a stream or a socket. It must be the
 * object that the library gave out: it alone opens the tokens, with what is in the user's cookie. A copy, a queue or another
 * process cannot.
 */
export type SessionSource = RequestWithCookies | Session;

/** The session of a request, read once, however often it is asked for; and the sessions of a user, to administer them. */
@Injectable()
export class SessionService {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SessionRepository) private readonly repository: SessionRepository,
    @Inject(EventLog) private readonly events: EventLog,
    @Inject(SessionDirectory) private readonly directory: SessionDirectory,
    @Inject(Revocations) private readonly revocations: Revocations,
  ) {}

  /**
   * The session of the request's cookie, or `undefined`. Works in any handler, also where the guard does not look.
   *
   * @throws StoreUnavailableError when the store cannot tell
   */
  async find(request: RequestWithCookies): Promise<Session | undefined> {
    return (await this.loadReadable(request))?.session;
  }

  /**
   * Ends the request's session in the store, and revokes its refresh token at the provider (RFC 7009, best effort) unless
   * `logout.revokeTokens` is off. `true` if there was one. The user stays logged in at the provider and the cookie stays
   * until the next page load: to log a user out, send them to the logout route.
   *
   * @throws StoreUnavailableError when the session may still be there
   */
  async end(request: RequestWithCookies): Promise<boolean> {
    const loaded = await this.loadReadable(request);
    if (!loaded) return false;
    const ended = await this.repository.endLatest(loaded, 'logout');
    this.remember(request, undefined);
    if (this.options.logout.revokeTokens) this.revocations.revoke(undamagedTokens(ended ?? loaded)?.refreshToken);
    return ended !== undefined;
  }

  /**
   * A user's sessions that are alive, the newest first; `sub` is the user's subject at the provider. The session of a
   * request is the one with its `Session.id`.
   *
   * @throws StoreUnavailableError
   */
  list(sub: string): Promise<readonly SessionSummary[]> {
    return this.directory.summaries(sub);
  }

  /**
   * Ends one session of a user, on every process at once. `false` when there is none with this id, or it is somebody
   * else's. Its tokens cannot be opened without the user's cookie, so they are not revoked.
   *
   * @throws StoreUnavailableError when the session may still be there
   */
  async endOne(sub: string, id: string): Promise<boolean> {
    return (await this.endAmong(sub, (candidate) => candidate === id)) === 1;
  }

  /** Ends every other session of the user of this one, as {@link endOne} does. Answers how many. @throws StoreUnavailableError */
  endOthers({ sub, id }: Session): Promise<number> {
    return this.endAmong(sub, (candidate) => candidate !== id);
  }

  /** Ends every session of a user, as {@link endOne} does. Answers how many. @throws StoreUnavailableError */
  endAll(sub: string): Promise<number> {
    return this.endAmong(sub, () => true);
  }

  /**
   * @internal The session with what is needed to open its tokens. A request's is read once, a `Session`'s
   * each time: it may have been held for long. Answers at once where nothing has to be waited for.
   *
   * @throws StoreUnavailableError
   * @throws LoginRequiredError (`session_unreadable`) when it is there, and sealed by a secret or version unknown here
   * @throws TypeError when it is neither a request nor a `Session` of this library
   */
  load(source: SessionSource): Loading {
    return isRequest(source) ? this.loadOnce(source) : this.loadAgain(source);
  }

  /** @internal As {@link load}, and `undefined` for a session that cannot be read here. */
  async loadReadable(request: RequestWithCookies): Promise<LoadedSession | undefined> {
    try {
      return await this.load(request);
    } catch (error) {
      if (error instanceof LoginRequiredError) return undefined;
      throw error;
    }
  }

  /** @internal Whether this application has looked whose request it is. Another one may have, before it. */
  hasLoaded(request: RequestWithCookies): boolean {
    return slotOf(request).loadingOf(this) !== undefined;
  }

  /** @internal What the request's session is from now on, after a refresh or its end. After its end there is none any more. */
  remember(source: SessionSource, loaded: LoadedSession | undefined): void {
    if (!isRequest(source)) return;
    const slot = slotOf(source);
    if (slot.loadingOf(this) !== NOBODY) slot.keep(this, loaded ?? NOBODY);
  }

  private async endAmong(sub: string, isMeant: (id: string) => boolean): Promise<number> {
    const meant = (await this.directory.ofUser(sub)).filter(({ id }) => isMeant(id));
    const ended = await Promise.all(meant.map(({ id }) => this.repository.end(id, 'administration')));
    return ended.filter(Boolean).length;
  }

  private async loadAgain(session: Session): Promise<LoadedSession | undefined> {
    const token = SessionView.tokenOf(session);
    if (token === undefined) throw noSource();
    return this.repository.load(token);
  }

  private loadOnce(request: RequestWithCookies): Loading {
    const slot = slotOf(request);
    const known = slot.loadingOf(this);
    if (known) return known;
    const loading = this.loadFresh(request);
    slot.keep(this, loading);
    return loading;
  }

  private loadFresh(request: RequestWithCookies): Loading {
    const token = likelyTokenOf(request.headers.cookie, this.options.session.cookie.name);
    if (token !== undefined && token !== 'duplicate') return this.repository.load(token);
    if (token === 'duplicate') this.events.emit({ name: 'session.duplicate_cookie' });
    return NOBODY;
  }
}

/** @throws TypeError for what is no object: plain JavaScript, or a handler in which nobody need be logged in, hands it on. */
function isRequest(source: SessionSource): source is RequestWithCookies {
  if (typeof source !== 'object' || source === null) throw noSource();
  return 'headers' in source;
}

function noSource(): TypeError {
  return new TypeError(
    'This is neither a request nor a Session of this library: hand on the object as you got it. ' +
      'On a route where nobody need be logged in there may be none.',
  );
}
