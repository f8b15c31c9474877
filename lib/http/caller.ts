import type { IncomingMessage } from 'node:http';
import type { ArgumentsHost } from '@nestjs/common';
import type { PlatformRequest } from './platform.js';

/** Who asks a handler for something: by a request, by a message over a socket, or by a request that became a socket. */
export type Caller =
  | { readonly kind: 'request'; readonly owner: PlatformRequest }
  | { readonly kind: 'socket'; readonly owner: object }
  | { readonly kind: 'upgraded'; readonly owner: PlatformRequest; readonly connection: Connection };

/** What a request has become that was upgraded to a WebSocket. */
export interface Connection {
  /** Node's own request, of which there is one, however often a framework wraps it. */
  readonly handshake: IncomingMessage;
  close(): void;
}

/** Where drivers of GraphQL put the request: Apollo's and Mercurius' own, graphql-ws', Mercurius' for subscriptions. */
const GRAPHQL_REQUESTS: readonly (readonly string[])[] = [['req'], ['req', 'extra', 'request'], ['reply', 'request']];

/** The session of a WebSocket has ended. Codes from 4000 on are for applications; graphql-ws has this one, too. */
export const SESSION_ENDED = { code: 4401, reason: 'login_required' } as const;

/** `undefined` where there is nobody to be found: nothing is known of such a handler. */
export function callerOf(context: ArgumentsHost): Caller | undefined {
  const args = context.getArgs<unknown[]>();
  switch (context.getType<string>()) {
    case 'http':
      return { kind: 'request', owner: args[0] as PlatformRequest };
    case 'graphql':
      return graphqlCaller(args[2]);
    case 'ws':
      return isObject(args[0]) ? { kind: 'socket', owner: args[0] } : undefined;
    default:
      return undefined;
  }
}

function graphqlCaller(context: unknown): Caller | undefined {
  const owner = GRAPHQL_REQUESTS.map((path) => at(context, path)).find(isRequest);
  if (!owner) return undefined;
  const handshake = 'raw' in owner ? (owner.raw as IncomingMessage) : (owner as IncomingMessage);
  if (!isUpgraded(handshake)) return { kind: 'request', owner };
  const socket = at(context, ['req', 'extra', 'socket']);
  const close = (): void => {
    if (isWebSocket(socket)) socket.close(SESSION_ENDED.code, SESSION_ENDED.reason);
    else handshake.socket.destroy();
  };
  return { kind: 'upgraded', owner, connection: { handshake, close } };
}

/** As Node says: an `Upgrade` header alone makes no WebSocket, and the connection goes on to serve requests. */
function isUpgraded(request: IncomingMessage & { readonly upgrade?: boolean }): boolean {
  return request.upgrade === true && request.method === 'GET';
}

function isWebSocket(candidate: unknown): candidate is { close(code: number, reason: string): void } {
  return isObject(candidate) && typeof (candidate as { close?: unknown }).close === 'function';
}

function isRequest(candidate: unknown): candidate is PlatformRequest {
  if (!isObject(candidate)) return false;
  const { method, headers } = candidate as Partial<Record<string, unknown>>;
  return typeof method === 'string' && isObject(headers);
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, name) => (isObject(found) ? (found as Readonly<Record<string, unknown>>)[name] : undefined),
    value,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
