import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CLOCK, type Clock } from '../common/clock.js';
import { LoginRequiredError, OidcError, UnsupportedContextError } from '../common/errors.js';
import { EventLog } from '../common/events.js';
import { isRunning } from '../common/span.js';
import { SessionRepository } from '../session/session-repository.js';
import { SessionWatch } from '../session/session-watch.js';
import type { Session } from '../session/session.js';
import type { Connection } from './caller.js';
import { setCurrentSession } from './current-session.js';
import { tellFailure, type Failure } from './failure.js';
import { RequestAuthenticator } from './request-authenticator.js';

/** What a gateway's adapter knows of a socket. */
export interface SocketControl {
  /** Those that the framework has made of the connection, as they are now. */
  readonly sockets: ReadonlySet<object>;
  /** Called once, when the session has ended. */
  readonly close: () => void;
  /** The exception by which the transport tells its client of a failure. */
  readonly exceptionOf: (failure: Failure) => Error;
}

export interface HandshakeOptions {
  /** Whether sockets without a session are accepted. Their messages are judged one by one. */
  readonly anonymous: boolean;
}

/** The HTTP answer to a handshake that is not accepted. */
export interface HandshakeRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Held {
  readonly control: Pick<SocketControl, 'close'> & Partial<SocketControl>;
  session: Session | undefined;
  /** When the store was last asked for it. Epoch milliseconds. */
  askedAt: number;
  asking: Promise<void> | undefined;
  hasEnded: boolean;
}

/**
 * The sessions of sockets: found at the handshake, kept alive by messages, closed when they end. A message costs nothing:
 * the store tells when a session ends, and is asked as often as a session's idle timeout is moved.
 */
@Injectable()
export class SocketSessions {
  /** By the handshake's request. The value is `undefined` for a visitor without a session. */
  private readonly admitted = new WeakMap<IncomingMessage, Session | undefined>();
  /** By the handshake's request, and by each socket. */
  private readonly held = new WeakMap<object, Held>();
  private readonly upgrades = new WeakMap<IncomingMessage, Promise<void>>();

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RequestAuthenticator) private readonly authenticator: RequestAuthenticator,
    @Inject(SessionRepository) private readonly repository: SessionRepository,
    @Inject(SessionWatch) private readonly watch: SessionWatch,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  /** Whose handshake it is, and how it is refused if it is. The origin counts, although it is a GET (RFC 6455 §10.2). */
  async refusalOf(handshake: IncomingMessage, options: HandshakeOptions): Promise<HandshakeRefusal | undefined> {
    try {
      this.admitted.set(handshake, await this.authenticate(handshake, options));
      return undefined;
    } catch (error) {
      return this.refusalFor(error);
    }
  }

  /** Whether the handshake went by {@link refusalOf} and was not refused. */
  isAdmitted(handshake: IncomingMessage): boolean {
    return this.admitted.has(handshake);
  }

  /** From now on the connection is its session's. Answers how to let go of it, when it has closed. */
  hold(handshake: IncomingMessage, control: SocketControl): () => void {
    return this.keep(handshake, this.admitted.get(handshake), control);
  }

  /** A socket of a connection that is held: what handlers see of it. */
  join(socket: object, handshake: IncomingMessage): void {
    const held = this.held.get(handshake);
    if (!held) return;
    this.held.set(socket, held);
    setCurrentSession(socket, held.hasEnded ? undefined : held.session);
  }

  /**
   * The session of a socket, as it is now. `undefined` for a visitor without one.
   *
   * @throws LoginRequiredError, StoreUnavailableError, RefreshUnavailableError
   * @throws UnsupportedContextError for a socket that came by another way than our adapters
   */
  async sessionOf(socket: object): Promise<Session | undefined> {
    const held = this.held.get(socket);
    if (!held) throw new UnsupportedContextError('ws');
    const { session } = held;
    if (session && !isRunning(held.askedAt, this.repository.touchIntervalMs, this.clock.now())) {
      held.asking ??= this.ask(held, session).finally(() => (held.asking = undefined));
      await held.asking;
    }
    if (held.hasEnded) throw new LoginRequiredError('The session has ended.');
    return held.session;
  }

  /** The same of a socket that nobody has seen before, as those of GraphQL subscriptions. Throws as {@link sessionOf} does. */
  async sessionOfUpgrade(connection: Connection, options: HandshakeOptions): Promise<Session | undefined> {
    const session = await this.sessionOfOpened(connection, options);
    if (session || options.anonymous) return session;
    // It was opened as a visitor's: by what is for visitors as well, or while the store was away.
    this.upgrades.delete(connection.handshake);
    return this.sessionOfOpened(connection, options);
  }

  private async sessionOfOpened(
    { handshake, close }: Connection,
    options: HandshakeOptions,
  ): Promise<Session | undefined> {
    const opening = this.upgrades.get(handshake) ?? this.openUpgrade(handshake, close, options);
    this.upgrades.set(handshake, opening);
    try {
      await opening;
    } catch (error) {
      this.upgrades.delete(handshake);
      throw error;
    }
    return this.sessionOf(handshake);
  }

  /** The exception that tells a socket's client of an error of ours; any other is left alone. */
  exceptionFor(socket: object, error: unknown): unknown {
    const held = this.held.get(socket);
    if (!(error instanceof OidcError) || !held?.control.exceptionOf) return error;
    return held.control.exceptionOf(tellFailure(error, this.events, held.session));
  }

  private async authenticate(
    handshake: IncomingMessage,
    { anonymous }: HandshakeOptions,
  ): Promise<Session | undefined> {
    // As the store has it now: what is known of a request is kept with it, and this one lasts as long as its socket.
    const request = { method: handshake.method ?? 'GET', headers: handshake.headers };
    return anonymous
      ? this.authenticator.find(request, 'own always')
      : this.authenticator.require(request, 'own always');
  }

  private async openUpgrade(handshake: IncomingMessage, close: () => void, options: HandshakeOptions): Promise<void> {
    const session = await this.authenticate(handshake, options);
    const release = this.keep(handshake, session, { close });
    // A visitor's is opened anew for each message that wants a user.
    if (!session) return;
    if (handshake.socket.destroyed) release();
    else handshake.socket.once('close', release);
  }

  private keep(handshake: IncomingMessage, session: Session | undefined, control: Held['control']): () => void {
    const held: Held = { control, session, askedAt: this.clock.now(), asking: undefined, hasEnded: false };
    this.held.set(handshake, held);
    if (!session) return () => undefined;
    return this.watch.watch(session, () => {
      held.hasEnded = true;
      for (const socket of control.sockets ?? []) setCurrentSession(socket, undefined);
      control.close();
    });
  }

  private async ask(held: Held, session: Session): Promise<void> {
    held.session = await this.authenticator.renew(session);
    held.askedAt = this.clock.now();
  }

  private refusalFor(error: unknown): HandshakeRefusal {
    const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
    if (!(error instanceof OidcError)) {
      // Nobody else would see it: no filter looks at a handshake.
      new Logger(SocketSessions.name).error(error);
      return { status: 500, headers, body: '' };
    }
    const { message, correlationId } = tellFailure(error, this.events);
    const retryAfter = error.retryAfter === undefined ? {} : { 'Retry-After': String(error.retryAfter) };
    const body = JSON.stringify({ error: message, correlationId });
    return { status: error.statusCode, headers: { ...headers, ...retryAfter }, body };
  }
}
