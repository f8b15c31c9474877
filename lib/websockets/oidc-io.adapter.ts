import { ServerResponse, STATUS_CODES, type IncomingMessage } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsException } from '@nestjs/websockets';
import { OidcConfigurationError } from '../common/errors.js';
import { SocketSessions, type HandshakeRefusal } from '../http/socket-sessions.js';
import type { OidcSocketOptions } from './socket-options.js';

export { OidcWsExceptionFilter } from './oidc-ws-exception.filter.js';
export type { OidcSocketOptions } from './socket-options.js';

type IoServer = ReturnType<IoAdapter['createIOServer']>;
type IoServerOptions = Parameters<IoAdapter['createIOServer']>[1];

const RECOVERY_REFUSED =
  'connectionStateRecovery (of a WebSocketGateway) gives the rooms and missed messages of a socket to whoever names its id, ' +
  'whatever session they have: leave it out, and let clients ask for what they have missed';

/** As much of a socket of Socket.IO as is needed here. */
interface IoSocket {
  readonly request: IncomingMessage;
  readonly conn: Connection;
  once(event: 'disconnect', listener: () => void): void;
  disconnect(): void;
}

/** Engine.IO's connection: one for all namespaces of a client. */
interface Connection {
  readonly request: IncomingMessage;
  once(event: 'close', listener: () => void): void;
  close(): void;
}

/** What Engine.IO has read of a request. A handshake is what brings no connection's id. */
type EngineRequest = IncomingMessage & { readonly _query: { readonly sid?: unknown } };

/**
 * Socket.IO for gateways that know their users: a handshake without a session, or from a page of another origin, is
 * answered 401 or 403 before there is a socket; the socket is disconnected when its session ends.
 *
 * `app.useWebSocketAdapter(new OidcIoAdapter(app))`
 */
export class OidcIoAdapter extends IoAdapter {
  private readonly sockets: SocketSessions;
  private readonly anonymous: boolean;
  /** The sockets of a connection, one for each namespace: only they can tell their client not to come back. */
  private readonly clients = new WeakMap<Connection, Set<IoSocket>>();

  constructor(app: INestApplicationContext, { anonymous = false }: OidcSocketOptions = {}) {
    super(app);
    this.sockets = app.get(SocketSessions, { strict: false });
    this.anonymous = anonymous;
  }

  /** @throws OidcConfigurationError for `connectionStateRecovery` */
  override createIOServer(port: number, options?: IoServerOptions): IoServer {
    if (options?.connectionStateRecovery) throw new OidcConfigurationError([RECOVERY_REFUSED]);
    const server = super.createIOServer(port, options);
    const { engine } = server;
    engine.use((request: EngineRequest, response: object, next: () => void) => {
      const { _query: query } = request;
      if (query.sid) return next();
      outliveReset(request, response);
      void this.admit(request, response, next);
    });
    engine.on('connection', (connection: Connection) => this.accept(connection));
    return server;
  }

  override bindClientConnect(server: IoServer, callback: (socket: IoSocket) => void): void {
    super.bindClientConnect(server, (socket: IoSocket) => {
      this.join(socket);
      callback(socket);
    });
  }

  private async admit(request: IncomingMessage, response: object, next: () => void): Promise<void> {
    const refusal = await this.sockets.refusalOf(request, { anonymous: this.anonymous });
    if (!refusal) return next();
    if (response instanceof ServerResponse) {
      response.writeHead(refusal.status, refusal.headers).end(refusal.body);
    } else {
      // Nobody reads it any more: what the client still sends would keep it open for ever.
      request.socket.end(answerOf(refusal), () => request.socket.destroy());
    }
  }

  /** Each gateway tells of the sockets of its namespace. */
  private join(socket: IoSocket): void {
    const sockets = this.clients.get(socket.conn);
    if (!sockets || sockets.has(socket)) return;
    sockets.add(socket);
    socket.once('disconnect', () => sockets.delete(socket));
    this.sockets.join(socket, socket.request);
  }

  private accept(connection: Connection): void {
    // By a transport that goes round the handshake over HTTP.
    if (!this.sockets.isAdmitted(connection.request)) return connection.close();
    const sockets = new Set<IoSocket>();
    this.clients.set(connection, sockets);
    const release = this.sockets.hold(connection.request, {
      sockets,
      close: () => {
        for (const socket of sockets) socket.disconnect();
        connection.close();
      },
      exceptionOf: (failure) => new WsException(failure),
    });
    connection.once('close', release);
  }
}

/**
 * Node has let go of the socket of an upgrade (`http.Server`, `upgrade` event), and nobody has taken it over while the
 * session is looked for: a client that resets it then must not end the process by an error that nobody listens to.
 */
function outliveReset({ socket }: IncomingMessage, response: object): void {
  if (!(response instanceof ServerResponse)) socket.on('error', () => socket.destroy());
}

/** A response in full (RFC 9112 §2.1): the socket was handed over, and nobody else writes it. */
function answerOf({ status, headers, body }: HandshakeRefusal): string {
  const lines = { ...headers, Connection: 'close', 'Content-Length': String(Buffer.byteLength(body)) };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`;
}
