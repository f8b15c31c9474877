import type { IncomingMessage } from 'node:http';
import { OidcError } from '../common/errors.js';
import type { Platform, PlatformRequest } from './platform.js';

/** Much more than any provider sends, little enough to hold. */
const MAX_BYTES = 64 * 1024;

/** A request that does not say what its route needs, or says it in another way. `detail` names what is wrong. */
export class RequestInvalidError extends OidcError {
  readonly code = 'request_invalid';

  constructor(
    readonly statusCode: 400 | 413 | 415,
    detail: string,
  ) {
    super(`The request cannot be used (${detail}).`, { detail });
  }
}

/**
 * The form that a request carries, whoever has parsed it: the framework, to an object or to text, or nobody, and then it
 * is read here. At most 64 KiB.
 *
 * @throws RequestInvalidError 415 for anything but a form, 413 for more than that
 */
export async function formOf(request: PlatformRequest, platform: Platform): Promise<URLSearchParams> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = request.headers;
  if (!platform.isForm(request)) throw new RequestInvalidError(415, 'content_type');
  if (encoding !== 'identity') throw new RequestInvalidError(415, 'content_encoding');
  if (Number(length) > MAX_BYTES) throw tooLarge();
  const form = paramsOf(request.body ?? (await textOf(platform.rawOf(request))));
  // Of a parsed body the original is gone, and not every request tells its length.
  if (form.toString().length > MAX_BYTES) throw tooLarge();
  return form;
}

/** The value of a parameter that must be there exactly once. @throws RequestInvalidError 400 */
export function onlyValueOf(params: URLSearchParams, name: string): string {
  const [value, ...others] = params.getAll(name);
  if (!value) throw new RequestInvalidError(400, 'parameter_missing');
  if (others.length > 0) throw new RequestInvalidError(400, 'parameter_repeated');
  return value;
}

function paramsOf(body: unknown): URLSearchParams {
  if (typeof body === 'string') return new URLSearchParams(body);
  if (body instanceof Uint8Array) return new URLSearchParams(Buffer.from(body).toString('utf8'));
  const form = new URLSearchParams();
  for (const [name, values] of Object.entries(body as Readonly<Record<string, unknown>>)) {
    // Frameworks make lists of repeated names. Other structures are parameters of other names (`name[x]`).
    for (const value of [values].flat()) if (typeof value === 'string') form.append(name, value);
  }
  return form;
}

/** What is left unread of the stream, as text. Goes on to the end of what is too large, without keeping it. */
function textOf(stream: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    if (stream.readableEnded || stream.destroyed) return resolve('');
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) reject(tooLarge());
      else chunks.push(chunk);
    });
    const brokenOff = (): void => reject(new RequestInvalidError(400, 'broken_off'));
    stream
      .on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
      .on('error', brokenOff)
      .on('close', brokenOff);
  });
}

function tooLarge(): RequestInvalidError {
  return new RequestInvalidError(413, 'too_large');
}
