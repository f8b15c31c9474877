import { Inject, Injectable } from '@nestjs/common';
import { EventLog } from '../common/events.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { SessionRepository } from './session-repository.js';
import { SessionView } from './session-view.js';
import { sessionTokenOf } from './session-token.js';
import type { LoadedSession, Session } from './session.js';

/** A request of any platform: all that is looked at is its `Cookie` header. */
export interface RequestWithCookies {
  readonly headers: { readonly cookie?: string | undefined };
}

/** Whose session is meant: a request's, or one that was held, in a socket or a job. */
export type SessionSource = RequestWithCookies | Session;

/** The session of a request: read once, however often it is asked for. */
@Injectable()
export class SessionService {
  private readonly loading = new WeakMap<object, Promise<LoadedSession | undefined>>();

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SessionRepository) private readonly repository: SessionRepository,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  /**
   * The session of the request's cookie, or `undefined`. Works in any handler, also where the guard does not look.
   *
   * @throws StoreUnavailableError when the store cannot tell
   */
  async find(request: RequestWithCookies): Promise<Session | undefined> {
    return (await this.load(request))?.session;
  }

  /**
   * Ends the request's session in the store. `true` if there was one. The provider is not told and the cookie stays, for
   * an answer 401 to clear: to log a user out, send them to the logout route.
   *
   * @throws StoreUnavailableError when the session may still be there
   */
  async end(request: RequestWithCookies): Promise<boolean> {
    const loaded = await this.load(request);
    if (!loaded) return false;
    this.remember(request, undefined);
    return this.repository.end(loaded.session.id, 'logout');
  }

  /**
   * For the library itself: the session with what is needed to open its tokens. A request's is read once, a `Session`'s
   * each time: it may have been held for long.
   */
  load(source: SessionSource): Promise<LoadedSession | undefined> {
    return isRequest(source) ? this.loadOnce(source) : this.loadAgain(source);
  }

  /** For the library itself: what the request's session is from now on, after a refresh or its end. */
  remember(source: SessionSource, loaded: LoadedSession | undefined): void {
    if (isRequest(source)) this.loading.set(identityOf(source), Promise.resolve(loaded));
  }

  private async loadAgain(session: Session): Promise<LoadedSession | undefined> {
    const token = SessionView.tokenOf(session);
    if (token === undefined)
      throw new TypeError('This is no Session of this library: hand on the object as you got it.');
    return this.repository.load(token);
  }

  private loadOnce(request: RequestWithCookies): Promise<LoadedSession | undefined> {
    const identity = identityOf(request);
    let loading = this.loading.get(identity);
    if (!loading) {
      loading = this.loadFresh(request);
      this.loading.set(identity, loading);
    }
    return loading;
  }

  private async loadFresh(request: RequestWithCookies): Promise<LoadedSession | undefined> {
    const token = sessionTokenOf(request.headers.cookie, this.options.session.cookie.name);
    if (token !== 'duplicate') return token === undefined ? undefined : this.repository.load(token);
    this.events.emit({ name: 'session.duplicate_cookie' });
    return undefined;
  }
}

function isRequest(source: SessionSource): source is RequestWithCookies {
  return 'headers' in source;
}

/** Fastify wraps Node's request: both name the same one. */
function identityOf(request: RequestWithCookies): object {
  return 'raw' in request && typeof request.raw === 'object' && request.raw !== null ? request.raw : request;
}
