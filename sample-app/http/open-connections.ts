import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const SWEEP_INTERVAL_MS = 100;

/**
 * Knows which connections carry a request. A server that closes waits for its last connection, and browsers keep theirs
 * open long after the answer, or open one just in case: {@link closeIdle} sends those away, and only those.
 */
export class OpenConnections {
  private readonly responses = new Map<Socket, Set<ServerResponse>>();

  constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      this.responses.set(socket, new Set());
      socket.once('close', () => this.responses.delete(socket));
    });
    // Before the application's own listener, which may answer at once.
    server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.responses.get(socket)?.add(response);
      response.once('close', () => this.responses.get(socket)?.delete(response));
    });
  }

  /** From now until the server has closed: connections go as soon as they have nothing left to answer. */
  closeIdle(): void {
    this.sweep();
    const timer = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS);
    this.server.once('close', () => clearInterval(timer));
  }

  private sweep(): void {
    for (const [socket, responses] of this.responses) {
      if (responses.size === 0) socket.destroySoon();
      for (const response of responses) response.shouldKeepAlive = false;
    }
  }
}
