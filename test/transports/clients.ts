import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { io, type Socket as IoSocket } from 'socket.io-client';
import { WebSocket } from 'ws';

export type Headers = Readonly<Record<string, string>>;

/** What a handshake was answered on the level of HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A gateway's client, whatever it speaks. */
export interface GatewayClient {
  /** Sends a message and answers what comes back, an exception included. */
  ask(event: string, data?: unknown): Promise<unknown>;
  /** How the server has ended it. Nobody reconnects. */
  readonly closed: Promise<unknown>;
  close(): void;
}

/** The answer to the handshake of a WebSocket. */
export async function upgrade(url: string, headers: Headers): Promise<Answer> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers });
  try {
    const [answer] = (await Promise.race([
      once(socket, 'unexpected-response').then(([, response]: unknown[]) => [response]),
      once(socket, 'upgrade'),
    ])) as [IncomingMessage];
    if (answer.statusCode === 101) return { status: 101, headers: answer.headers, body: '' };
    let body = '';
    for await (const chunk of answer) body += String(chunk);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body };
  } finally {
    socket.on('error', () => undefined);
    socket.terminate();
  }
}

/** Asks for a WebSocket, as far as `until`, and resets the connection then (RST). */
export async function resetHandshake(url: string, headers: Headers, until: () => Promise<unknown>): Promise<void> {
  const socket = askForWebSocket(url, headers);
  try {
    await until();
  } finally {
    socket.resetAndDestroy();
  }
}

/** Asks for a WebSocket, is refused, goes on to send, and does not close. */
export async function talkOn(url: string): Promise<Socket> {
  const socket = askForWebSocket(url, {}, { allowHalfOpen: true });
  await once(socket, 'data');
  socket.write('x');
  return socket;
}

function askForWebSocket(url: string, headers: Headers, options: { readonly allowHalfOpen?: boolean } = {}): Socket {
  const { hostname, port, host, pathname, search } = new URL(url);
  const lines = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect({ port: Number(port), host: hostname, ...options });
  socket.on('error', () => undefined);
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${head.join('')}\r\n`);
  return socket;
}

export async function connectWs(url: string, headers: Headers): Promise<GatewayClient> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers });
  const closed = once(socket, 'close').then(([code, reason]: unknown[]) => ({ code, reason: String(reason) }));
  await once(socket, 'open');
  return {
    async ask(event, data) {
      const answered = once(socket, 'message');
      socket.send(JSON.stringify({ event, data }));
      const [text] = (await answered) as [Buffer];
      return JSON.parse(text.toString()) as unknown;
    },
    closed,
    close: () => socket.close(),
  };
}

export async function connectIo(url: string, headers: Headers): Promise<GatewayClient> {
  const socket: IoSocket = io(url, { extraHeaders: { ...headers }, forceNew: true, reconnection: false });
  const closed = new Promise<unknown>((resolve) => socket.once('disconnect', (reason) => resolve(reason)));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return {
    async ask(event, data) {
      const answered = new Promise<unknown>((resolve) => {
        socket.onAny((name: string, answer: unknown) => resolve({ event: name, data: answer }));
      });
      socket.emit(event, data);
      const answer = await answered;
      socket.offAny();
      return answer;
    },
    closed,
    close: () => void socket.disconnect(),
  };
}
