import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

const json =
  (body: unknown): Answer =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** An API that keeps the access tokens that it was called with, and answers as it is told. */
export class ResourceServer {
  static readonly body = { orders: [1, 2, 3] };
  readonly tokens: string[] = [];
  answer: Answer = json(ResourceServer.body);

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.tokens.push(request.headers.authorization?.replace(/^Bearer /u, '') ?? 'none');
      void this.answer(request, response);
    });
  }

  static async start(): Promise<ResourceServer> {
    const server = createServer().listen(0, 'localhost');
    await once(server, 'listening');
    return new ResourceServer(server);
  }

  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}/orders`;
  }

  /** What every request gets from now on: this JSON body. */
  answerWith(body: unknown): void {
    this.answer = json(body);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
