import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** A request of the platform in use: Express' or Fastify's. Both carry Node's headers and method. */
export interface PlatformRequest {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
}

/** A response of the platform in use. Only the adapter knows what to do with it. */
export type PlatformResponse = object;

/** The only file that touches the platform adapter: what a response can do, in words that Express and Fastify share. */
@Injectable()
export class Platform {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

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

  setHeader(response: PlatformResponse, name: string, value: string): void {
    this.host.httpAdapter.setHeader(response, name, value);
  }

  addCookie(response: PlatformResponse, cookie: string): void {
    this.host.httpAdapter.appendHeader?.(response, 'Set-Cookie', cookie);
  }

  send(response: PlatformResponse, status: number, contentType: string, body: string): void {
    this.setHeader(response, 'Content-Type', contentType);
    this.reply(response, status, body);
  }

  /** A redirect without a body. */
  redirect(response: PlatformResponse, status: 302 | 303, location: string): void {
    this.setHeader(response, 'Location', location);
    this.reply(response, status, '');
  }

  /** Express, left to itself, adds an `ETag`: a validator has no business on what nobody may keep. */
  private reply(response: PlatformResponse, status: number, body: string): void {
    const { httpAdapter } = this.host;
    if (httpAdapter.getType() !== 'express') return void httpAdapter.reply(response, body, status);
    httpAdapter.status(response, status);
    httpAdapter.end(response, body);
  }
}
