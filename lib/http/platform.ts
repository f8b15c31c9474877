import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Device } from '../session/session.js';

const MAX_AGENT_LENGTH = 256;

/** A request of the platform in use: Express' or Fastify's. Both carry Node's headers and method. */
export interface PlatformRequest {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  /** What a parser has made of the body; `undefined` where none has looked at it. */
  readonly body?: unknown;
}

/** A response of the platform in use. Only the adapter knows what to do with it. */
export type PlatformResponse = object;

/** As much of Fastify as {@link Platform.admitForms} needs. */
interface FastifyInstance {
  hasContentTypeParser(type: string): boolean;
  addContentTypeParser(type: string, parse: (request: object, payload: object, done: () => void) => void): void;
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: object, done: () => void) => void): void;
}

interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly url?: string };
}

const FORM = 'application/x-www-form-urlencoded';
/** Still a form. Fastify tells parsers apart by parameters too, so this name reaches no parser but ours. */
const UNPARSED_FORM = `${FORM}; parsed="no"`;

/** The only file that touches the platform adapter: what a response can do, in words that Express and Fastify share. */
@Injectable()
export class Platform {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  /** There is no adapter in an application context, which answers no requests. */
  private get type(): string | undefined {
    return (this.host.httpAdapter as HttpAdapterHost['httpAdapter'] | null)?.getType();
  }

  /** The request's target as the client sent it: path and query. */
  urlOf(request: PlatformRequest): string {
    return String(this.host.httpAdapter.getRequestUrl(request));
  }

  /** The raw query: parsers of frameworks disagree about repeated names. */
  queryOf(request: PlatformRequest): URLSearchParams {
    const url = this.urlOf(request);
    const start = url.indexOf('?');
    return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
  }

  /** Node's own request, from which a body can be read that no parser has. */
  rawOf(request: PlatformRequest): IncomingMessage {
    return 'raw' in request ? (request.raw as IncomingMessage) : (request as IncomingMessage);
  }

  /** Whether the body is a form: pairs of names and values (WHATWG URL §5). */
  isForm({ headers }: Pick<PlatformRequest, 'headers'>): boolean {
    return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() === FORM;
  }

  /**
   * Fastify refuses what nobody parses before a handler sees it. Where the application parses no forms (`bodyParser:
   * false`), those that come to `path` get through with their body unread; no other route notices. Before the platform
   * listens.
   */
  admitForms(path: string): void {
    if (this.type !== 'fastify') return;
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    if (fastify.hasContentTypeParser(FORM)) return;
    fastify.addContentTypeParser(UNPARSED_FORM, (_request, _payload, done) => done());
    fastify.addHook('onRequest', ({ raw, routeOptions }, _reply, done) => {
      // By now the application may have added a parser of its own.
      const isUnparsed = routeOptions.url === path && this.isForm(raw) && !fastify.hasContentTypeParser(FORM);
      if (isUnparsed) raw.headers['content-type'] = UNPARSED_FORM;
      done();
    });
  }

  /** Where a request comes from, as the platform tells. */
  deviceOf(request: PlatformRequest): Device {
    const address = 'ip' in request ? String(request.ip) : undefined;
    return { address, agent: request.headers['user-agent']?.slice(0, MAX_AGENT_LENGTH) };
  }

  setHeader(response: PlatformResponse, name: string, value: string): void {
    if (isNative(response)) response.setHeader(name, value);
    else this.host.httpAdapter.setHeader(response, name, value);
  }

  addCookie(response: PlatformResponse, cookie: string): void {
    if (isNative(response)) response.appendHeader('Set-Cookie', cookie);
    else this.host.httpAdapter.appendHeader?.(response, 'Set-Cookie', cookie);
  }

  send(response: PlatformResponse, status: number, contentType: string, body: string): void {
    this.setHeader(response, 'Content-Type', contentType);
    this.reply(response, status, body);
  }

  sendEmpty(response: PlatformResponse, status: number): void {
    this.reply(response, status, '');
  }

  /** A redirect without a body. */
  redirect(response: PlatformResponse, status: 302 | 303, location: string): void {
    this.setHeader(response, 'Location', location);
    this.sendEmpty(response, status);
  }

  /** Whether the answer has begun. */
  isAnswering(response: PlatformResponse): boolean {
    return Boolean(this.host.httpAdapter.isHeadersSent(response));
  }

  /** Of an answer that has begun. */
  end(response: PlatformResponse): void {
    this.host.httpAdapter.end(response);
  }

  /** Express, left to itself, adds an `ETag`: a validator has no business on what nobody may keep. */
  private reply(response: PlatformResponse, status: number, body: string): void {
    const { httpAdapter } = this.host;
    if (this.type !== 'express') return void httpAdapter.reply(response, body, status);
    httpAdapter.status(response, status);
    httpAdapter.end(response, body);
  }
}

/** Node's own, without the methods of Express and Fastify: a middleware has it on Fastify, and Nest 11's adapter takes no such. */
function isNative(response: PlatformResponse): response is ServerResponse {
  return !('header' in response);
}
