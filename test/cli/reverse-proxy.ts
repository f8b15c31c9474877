import {
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CERTIFICATE, CERTIFICATE_KEY } from '../support/certificate.js';

/** What a proxy does to what passes through it. Nothing, unless it is told to. */
export interface Meddling {
  target?: (target: string) => string;
  request?: (headers: IncomingHttpHeaders) => OutgoingHttpHeaders;
  response?: (headers: IncomingHttpHeaders) => OutgoingHttpHeaders;
}

/** A real reverse proxy in front of an application, with TLS or without. */
export class ReverseProxy {
  meddling: Meddling = {};

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(upstreamPort: () => number, { tls = false } = {}): Promise<ReverseProxy> {
    const meddlingOf = (): Meddling => proxy.meddling;
    const answer: RequestListener = (incoming, outgoing) => {
      const { target, request, response } = meddlingOf();
      const path = incoming.url ?? '/';
      const { headers, method } = incoming;
      const upstream = forward(
        {
          host: 'localhost',
          port: upstreamPort(),
          path: target?.(path) ?? path,
          method,
          headers: defined({ ...(request?.(headers) ?? headers), connection: 'close' }),
        },
        (reply) => {
          outgoing.writeHead(reply.statusCode ?? 0, defined(response?.(reply.headers) ?? reply.headers));
          reply.pipe(outgoing);
        },
      );
      upstream.on('error', () => outgoing.writeHead(502).end());
      incoming.pipe(upstream);
    };
    const server = tls ? createTlsServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, answer) : createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const { port } = server.address() as AddressInfo;
    const proxy = new ReverseProxy(server, `${tls ? 'https' : 'http'}://localhost:${port}`);
    return proxy;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/** Node takes no header without a value. */
function defined(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}
