import type { CustomFetchOptions } from 'openid-client';
import type { Clock } from '../common/clock.js';
import { OidcError } from '../common/errors.js';
import { noTelemetry, type Operation, type Telemetry } from '../common/telemetry.js';
import { parseJsonObject } from './json-object.js';
import { ProviderFaultError, ProviderUnreachableError } from './provider-errors.js';

export interface CallLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** The moment after which the request must not be sent any more. Epoch milliseconds. @default never */
  readonly sendBefore?: number;
}

/** The provider's answer, as it came. */
export interface RawAnswer {
  /** 0 while there is none. */
  readonly status: number;
  readonly headers: Headers;
  /** The body, if it is a JSON object that can be read in one way only; otherwise an object without members. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly isJson: boolean;
}

/** A timer that fires this late belongs to a process that was frozen, suspended or starved. */
const STOOD_STILL_MS = 100;
const TIME_TO_READ_MS = 250;

/**
 * One request to the provider: a deadline that includes the body, a cap on the body, and a record of what came back.
 * Made anew for each call and handed to `openid-client` as its `fetch`, so that concurrent calls share nothing.
 */
export class ProviderCall {
  /** What went wrong on the way, if anything did. */
  failure: OidcError | undefined;
  /** Whether `sendBefore` had passed, so that nothing was sent. */
  tooLate = false;
  answer: RawAnswer = { status: 0, headers: new Headers(), json: {}, isJson: false };

  constructor(
    private readonly clock: Clock,
    private readonly limits: CallLimits,
    private readonly telemetry: Telemetry = noTelemetry,
  ) {}

  readonly fetch = async (url: string, options: CustomFetchOptions): Promise<Response> => {
    if (this.clock.now() > (this.limits.sendBefore ?? Number.POSITIVE_INFINITY)) {
      this.tooLate = true;
      throw new ProviderUnreachableError('too_late');
    }
    const { hostname, port, protocol, pathname } = new URL(url);
    const attributes = {
      'http.request.method': options.method,
      'server.address': hostname,
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      'url.path': pathname,
    };
    return this.telemetry.measure('provider.request', attributes, (operation) => this.send(url, options, operation));
  };

  private async send(url: string, options: CustomFetchOptions, operation: Operation): Promise<Response> {
    const controller = new AbortController();
    const deadline = this.abortAtDeadline(controller);
    try {
      const response = await fetch(url, {
        method: options.method,
        headers: options.headers,
        body: options.body as RequestInit['body'] & {},
        redirect: 'manual',
        signal: controller.signal,
      });
      const body = await readCapped(response, this.limits.maxBytes);
      const json = parseJsonObject(body);
      const { status } = response;
      operation.describe({
        'http.response.status_code': status,
        ...(status >= 400 && { 'error.type': String(status) }),
      });
      this.answer = {
        status,
        headers: response.headers,
        json: json ?? {},
        isJson: json !== undefined,
      };
      return new Response(mayHaveBody(status) ? body : null, { status, headers: response.headers });
    } catch (error) {
      throw this.fail(error, controller.signal.aborted);
    } finally {
      deadline.cancel();
    }
  }

  /**
   * Timers fire before sockets are read. In a process that stood still an answer may have come in time, and lie there with
   * the only good refresh token in it: it gets a moment to be read.
   */
  private abortAtDeadline(controller: AbortController): { cancel(): void } {
    const deadline = this.clock.now() + this.limits.timeoutMs;
    let timer = this.clock.schedule(this.limits.timeoutMs, () => {
      if (this.clock.now() - deadline < STOOD_STILL_MS) return controller.abort();
      timer = this.clock.schedule(TIME_TO_READ_MS, () => controller.abort());
    });
    return { cancel: () => timer.cancel() };
  }

  private fail(error: unknown, timedOut: boolean): OidcError {
    const code = networkErrorCode(error);
    this.failure =
      error instanceof OidcError ? error : new ProviderUnreachableError(timedOut ? 'timeout' : code, { cause: error });
    return this.failure;
  }
}

/** The code that Node or `fetch` gives the trouble; `fetch` hides it in the cause of a `TypeError`. */
function networkErrorCode(error: unknown): string {
  const { cause, code = codeOf(cause) } = error as { cause?: unknown; code?: unknown };
  return typeof code === 'string' ? code : 'network_error';
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}

async function readCapped(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the body: what is too large is not read to its end.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes)
      throw new ProviderFaultError('response_too_large', 'An answer of the OpenID Provider is too large.');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Whether the answer is a JSON object and says so itself, as token and UserInfo responses must (RFC 6749 §5.1). */
export function isServedAsJson({ headers, isJson }: RawAnswer): boolean {
  return isJson && /^application\/json\s*(?:;|$)/iu.test(headers.get('content-type') ?? '');
}

/** The trouble of an answer that says "not now", `undefined` for any other. */
export function unavailable({ status }: RawAnswer): ProviderUnreachableError | undefined {
  return saysNotNow(status) ? new ProviderUnreachableError(`http_${status}`) : undefined;
}

/** Whether a status says "not now": overload or failure, nothing about the request or the user (RFC 9110 §15). */
function saysNotNow(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304;
}

/** `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110 §10.2.3); `undefined` without a usable one. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  const ms = /^\d{1,9}$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
