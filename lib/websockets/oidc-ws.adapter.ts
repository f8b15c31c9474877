import type { IncomingMessage } from 'node:http';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { WsException } from '@nestjs/websockets';
import { SESSION_ENDED } from '../http/caller.js';
import { SocketSessions } from '../http/socket-sessions.js';
import type { OidcSocketOptions } from './socket-options.js';

export { OidcWsExceptionFilter } from './oidc-ws-exception.filter.js';
export type { OidcSocketOptions } from './socket-options.js';

type NestOptions = NonNullable<ConstructorParameters<typeof WsAdapter>[1]>;
type GatewayOptions = NonNullable<Parameters<WsAdapter['create']>[1]>;

interface WsSocket {
  once(event: 'close', listener: () => void): void;
  close(code: number, reason: string): void;
}

interface WsServer {
  on(event: 'connection', listener: (socket: WsSocket, request: IncomingMessage) => void): void;
}

interface Handshake {
  readonly req: IncomingMessage;
}

type Verdict = (verified: boolean, status?: number, body?: string, headers?: Readonly<Record<string, string>>) => void;

/** `verifyClient` of `ws`, in both its forms. */
type VerifyClient =
  ((handshake: Handshake, done: Verdict) => void | Promise<void>) | ((handshake: Handshake) => boolean);

/**
 * `ws` for gateways that know their users: a handshake without a session, or from a page of another origin, is answered 401
 * or 403 before there is a socket; the socket is closed with code 4401 when its session ends.
 *
 * `app.useWebSocketAdapter(new OidcWsAdapter(app))`
 */
export class OidcWsAdapter extends WsAdapter {
  private readonly sockets: SocketSessions;
  private readonly anonymous: boolean;

  constructor(app: INestApplicationContext, { anonymous = false, ...options }: OidcSocketOptions & NestOptions = {}) {
    super(app, options);
    this.sockets = app.get(SocketSessions, { strict: false });
    this.anonymous = anonymous;
  }

  override create(port: number, options: GatewayOptions = {}): WsServer {
    const others = options['verifyClient'] as VerifyClient | undefined;
    const verifyClient = (handshake: Handshake, done: Verdict): void => void this.admit(handshake, done, others);
    const server = super.create(port, { ...options, verifyClient }) as WsServer;
    server.on('connection', (socket, request) => this.accept(socket, request));
    return server;
  }

  private async admit(handshake: Handshake, done: Verdict, others?: VerifyClient): Promise<void> {
    let isJudged = false;
    const judge: Verdict = (...verdict) => {
      isJudged = true;
      done(...verdict);
    };
    try {
      const refusal = await this.sockets.refusalOf(handshake.req, { anonymous: this.anonymous });
      if (refusal) judge(false, refusal.status, refusal.body, refusal.headers);
      else if (others?.length === 2) await others(handshake, judge);
      else judge(others ? (others as (handshake: Handshake) => boolean)(handshake) : true);
    } catch (error) {
      // Of the application: its check, or what `ws` has called then. Nobody else would catch it.
      new Logger(OidcWsAdapter.name).error(error);
      if (isJudged) handshake.req.socket.destroy();
      else done(false, 500);
    }
  }

  private accept(socket: WsSocket, request: IncomingMessage): void {
    const release = this.sockets.hold(request, {
      sockets: new Set([socket]),
      close: () => socket.close(SESSION_ENDED.code, SESSION_ENDED.reason),
      exceptionOf: (failure) => new WsException(failure),
    });
    this.sockets.join(socket, request);
    socket.once('close', release);
  }
}
