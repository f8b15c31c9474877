import { connect, type Socket } from 'node:net';

const DEADLINE_MS = 20_000;
/** A request that never ends is never answered. */
const LISTENING_MS = 30;

/** An answer as it crossed the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Every value of a header, by its name in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

export interface WireRequest {
  readonly bytes: Buffer;
  /** The answer to HEAD has the headers of a body and no body. */
  readonly isHead: boolean;
}

/** A connection that is kept alive: requests go out in one piece, answers come back in order. No help, no checks. */
export class Wire {
  private socket: Socket | undefined;

  constructor(private readonly port: number) {}

  /** One answer for each request, fewer when the server closes before. */
  async send(requests: readonly WireRequest[]): Promise<readonly WireAnswer[]> {
    const socket = (this.socket ??= await open(this.port));
    const reader = new AnswerReader(requests.map(({ isHead }) => isHead));
    const answers = await new Promise<readonly WireAnswer[]>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`The server neither answers nor closes: ${shownAt(requests, reader)}`)),
        DEADLINE_MS,
      );
      const finish = (): void => {
        clearTimeout(timer);
        socket.removeAllListeners('data').removeAllListeners('close');
        if (reader.answers.at(-1)?.headers.get('connection')?.[0] === 'close') this.close();
        resolve(reader.answers);
      };
      socket.on('data', (chunk: Buffer) => {
        reader.read(chunk);
        if (reader.answers.length >= requests.length) finish();
      });
      socket.once('close', () => {
        this.socket = undefined;
        finish();
      });
      socket.write(Buffer.concat(requests.map(({ bytes }) => bytes)));
    });
    return answers;
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }
}

/** A connection for this request alone. Answers `undefined` when the server just closes. */
export async function sendAlone(port: number, request: WireRequest): Promise<WireAnswer | undefined> {
  const wire = new Wire(port);
  try {
    const [answer] = await wire.send([request]);
    return answer;
  } finally {
    wire.close();
  }
}

/** Bytes that may be no request at all: what the server has to say to them, given a moment and the end of the connection. */
export async function shout(port: number, bytes: Buffer): Promise<readonly WireAnswer[]> {
  const socket = await open(port);
  const reader = new AnswerReader([]);
  const timers = [setTimeout(() => socket.end(), LISTENING_MS), setTimeout(() => socket.destroy(), 3 * LISTENING_MS)];
  socket.on('data', (chunk: Buffer) => reader.read(chunk));
  socket.write(bytes);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  for (const timer of timers) clearTimeout(timer);
  return reader.answers;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: 'localhost', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
    // Trouble later on shows as a close.
    socket.on('error', () => undefined);
  });
}

function shownAt(requests: readonly WireRequest[], { answers }: AnswerReader): string | undefined {
  return requests[answers.length]?.bytes.toString('latin1').slice(0, 1000);
}

/** Takes answers out of a stream of bytes (RFC 9112). */
class AnswerReader {
  readonly answers: WireAnswer[] = [];
  private rest = '';

  constructor(private readonly heads: readonly boolean[]) {}

  read(chunk: Buffer): void {
    this.rest += chunk.toString('latin1');
    while (this.takeAnswer());
  }

  private takeAnswer(): boolean {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const [statusLine = '', ...lines] = this.rest.slice(0, end).split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    const headers = headersOf(lines);
    const body = this.isEmpty(status) ? { text: '', end: end + 4 } : bodyAt(this.rest, end + 4, headers);
    if (!body) return false;
    this.rest = this.rest.slice(body.end);
    // What goes before the answer is not the answer (100, 103).
    if (status >= 200 || Number.isNaN(status)) this.answers.push({ status, headers, body: body.text });
    return true;
  }

  private isEmpty(status: number): boolean {
    return this.heads[this.answers.length] === true || status < 200 || status === 204 || status === 304;
  }
}

function headersOf(lines: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return headers;
}

interface Body {
  readonly text: string;
  readonly end: number;
}

function bodyAt(text: string, start: number, headers: ReadonlyMap<string, readonly string[]>): Body | undefined {
  if (headers.get('transfer-encoding')?.[0] === 'chunked') return chunksAt(text, start);
  const end = start + Number(headers.get('content-length')?.[0] ?? 0);
  return text.length < end ? undefined : { text: text.slice(start, end), end };
}

function chunksAt(text: string, start: number): Body | undefined {
  let body = '';
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (text.length < at) return undefined;
    if (size === 0) return { text: body, end: at };
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
  }
}
