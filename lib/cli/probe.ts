import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { withDeadline, type Clock } from '../common/clock.js';

const DEADLINE_MS = 10_000;
const MAX_BODY_BYTES = 512 * 1024;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  /** Absolute. */
  readonly location: URL | undefined;
  readonly body: string;
}

/** Nothing answered. `reason` is the code of Node's error, e.g. `ECONNREFUSED`, or `timeout`. */
export class NoReplyError extends Error {
  constructor(
    readonly reason: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(`No answer (${reason}).`, options);
  }

  /** Whether nobody was there, in contrast to somebody whose certificate is not good. */
  get isAbsence(): boolean {
    return /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|timeout)$/u.test(this.reason);
  }
}

/**
 * Sends one GET, and follows nothing. Unlike `fetch`, which says of every request that a script sends it, this can open a
 * page as a browser does.
 *
 * @throws NoReplyError
 */
export async function probe(clock: Clock, url: URL, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const outgoing = send(url, { headers: { ...headers, connection: 'close' } });
  const reply = new Promise<Reply>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => void readReply(url, incoming).then(resolve, reject));
    outgoing.end();
  });
  try {
    return await withDeadline(clock, DEADLINE_MS, reply, () => new NoReplyError('timeout'));
  } catch (error) {
    throw error instanceof NoReplyError ? error : new NoReplyError(codeOf(error), { cause: error });
  } finally {
    outgoing.destroy();
  }
}

async function readReply(url: URL, incoming: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) break;
    chunks.push(chunk as Buffer);
  }
  const { location } = incoming.headers;
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    setCookies: incoming.headers['set-cookie'] ?? [],
    location: location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : undefined,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'network_error';
}
