import { Inject, Injectable, Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import { CLOCK, type Clock, type Timer } from '../common/clock.js';
import { LoginRequiredError, OidcError } from '../common/errors.js';
import { SESSION_STORE, type SessionStore } from '../store/session-store.js';
import { SessionRepository } from './session-repository.js';
import { SessionView } from './session-view.js';
import type { Session } from './session.js';

/**
 * How often the store is asked when it tells of ends by itself, and when it does not. A store that cannot be listened to is
 * tried again as seldom as the first.
 */
const CHECK_INTERVAL_MS = 30_000;
const POLL_INTERVAL_MS = 1000;

interface Watched {
  readonly session: Session;
  readonly listeners: Set<() => unknown>;
  timer: Timer | undefined;
  /** Since its first check: what was told before it was watched, a cache in the process may not have heard at that time. */
  isYoung: boolean;
}

/**
 * Tells when a session ends, for what lives longer than a request: sockets, event streams. Soon after its end on any
 * process where the store tells of it (`SessionStore.onDelete`), within a second or two where it does not; at the end of
 * its lifetime in any case.
 */
@Injectable()
export class SessionWatch {
  private readonly logger = new Logger('OidcModule');
  private readonly watched = new Map<string, Watched>();
  private listening: Promise<(() => void) | undefined> = Promise.resolve(undefined);
  private listenAt = Number.NEGATIVE_INFINITY;
  private intervalMs = POLL_INTERVAL_MS;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SESSION_STORE) private readonly store: SessionStore,
    @Inject(SessionRepository) private readonly repository: SessionRepository,
  ) {}

  /**
   * Calls `onEnd` once, when the session has ended; never after the answer was called, which stops it. What `onEnd` throws
   * is logged.
   */
  watch(session: Session, onEnd: () => void): () => void {
    this.keepListening();
    const watched = this.watchedOf(session);
    const listener = (): unknown => onEnd();
    watched.listeners.add(listener);
    return () => {
      watched.listeners.delete(listener);
      if (watched.listeners.size === 0) this.forget(watched);
    };
  }

  /** At shutdown: nobody is told of anything any more. A store that is away, and cannot be listened to yet, is not waited for. */
  close(): void {
    for (const watched of this.watched.values()) this.forget(watched);
    this.listenAt = Number.POSITIVE_INFINITY;
    void this.listening.then((stop) => stop?.());
  }

  /** Emits once and completes when the session has ended: for `takeUntil`, in server-sent events. */
  ended(session: Session): Observable<void> {
    return new Observable((subscriber) =>
      this.watch(session, () => {
        subscriber.next();
        subscriber.complete();
      }),
    );
  }

  private watchedOf(session: Session): Watched {
    const known = this.watched.get(session.id);
    if (known) return known;
    const watched: Watched = { session, listeners: new Set(), timer: undefined, isYoung: true };
    this.watched.set(session.id, watched);
    this.checkLater(watched, session.expiresAt);
    // It may have ended since it was read, when nobody listened yet.
    void this.listening.then(() => this.check(watched));
    return watched;
  }

  private keepListening(): void {
    if (this.clock.now() < this.listenAt) return;
    this.listenAt = Number.POSITIVE_INFINITY;
    this.listening = this.listen();
  }

  /** A store that cannot be listened to now is asked instead. */
  private async listen(): Promise<(() => void) | undefined> {
    try {
      const stop = await this.store.onDelete?.((id) => this.end(this.watched.get(id)));
      if (stop) this.intervalMs = CHECK_INTERVAL_MS;
      return stop;
    } catch {
      this.listenAt = this.clock.now() + CHECK_INTERVAL_MS;
      return undefined;
    }
  }

  private checkLater(watched: Watched, expiresAt: number): void {
    watched.timer?.cancel();
    const intervalMs = watched.isYoung ? POLL_INTERVAL_MS : this.intervalMs;
    const delayMs = Math.min(intervalMs, Math.max(0, expiresAt - this.clock.now()));
    watched.timer = this.clock.schedule(delayMs, () => {
      watched.isYoung = false;
      this.keepListening();
      void this.check(watched);
    });
    watched.timer.unref();
  }

  private async check(watched: Watched): Promise<void> {
    if (!this.isWatched(watched)) return;
    const expiresAt = await this.expiryOf(watched.session);
    if (!this.isWatched(watched)) return;
    if (expiresAt === undefined) this.end(watched);
    else this.checkLater(watched, expiresAt);
  }

  /** `undefined` when it has ended. What the store cannot tell now is asked again. */
  private async expiryOf(session: Session): Promise<number | undefined> {
    const token = SessionView.tokenOf(session);
    try {
      return token === undefined ? undefined : (await this.repository.load(token))?.session.expiresAt;
    } catch (error) {
      if (error instanceof LoginRequiredError) return undefined;
      if (error instanceof OidcError && this.clock.now() < session.absoluteExpiresAt) {
        return this.clock.now() + POLL_INTERVAL_MS;
      }
      return undefined;
    }
  }

  private end(watched: Watched | undefined): void {
    if (!watched) return;
    this.forget(watched);
    for (const listener of watched.listeners) void this.tell(listener);
  }

  /** One that throws or rejects must not keep it from the others, nor break the logout that it is told of. */
  private async tell(listener: () => unknown): Promise<void> {
    try {
      await listener();
    } catch (error) {
      this.logger.error(`What watches a session's end threw ${error instanceof Error ? error.name : typeof error}.`);
    }
  }

  private isWatched(watched: Watched): boolean {
    return this.watched.get(watched.session.id) === watched;
  }

  private forget(watched: Watched): void {
    watched.timer?.cancel();
    if (this.isWatched(watched)) this.watched.delete(watched.session.id);
  }
}
