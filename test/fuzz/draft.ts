import type { Loot, LootedLogin, LootedSession } from './loot.js';

export type OwnRoute = 'login' | 'callback' | 'logout' | 'me' | 'backchannel-logout';

/** A request before it is bytes. */
export interface Draft {
  readonly kind: string;
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body?: string;
  /** Sent in chunks instead of with its length. */
  isChunked?: boolean;
  /** Says nothing that the platform could answer before the library does: the answer must be the library's. */
  readonly isPlain?: boolean;
}

/** A request as it goes out, with what the judge has to know about it. */
export interface HostileRequest {
  readonly kind: string;
  readonly bytes: Buffer;
  readonly method: string;
  readonly target: string;
  readonly isHead: boolean;
  /** May break its connection. */
  readonly isLone: boolean;
  /** The route of the library that must answer it. */
  readonly ownRoute: OwnRoute | undefined;
  /** The login whose `state`, code and cookie are all in it: the only one that it can complete. */
  readonly login: LootedLogin | undefined;
  /** The session whose cookie is in it, once. */
  readonly session: LootedSession | undefined;
}

export const FORM = 'application/x-www-form-urlencoded';

const ROUTES: Readonly<Record<OwnRoute, string>> = {
  login: 'GET',
  callback: 'GET',
  me: 'GET',
  logout: 'POST',
  'backchannel-logout': 'POST',
};

/** Node takes 16 KiB. */
const MOST_HEADER_BYTES = 15_000;
/** A target that no HTTP parser minds. */
const ORDINARY = /^(?:https?:\/)?\/[\u0021-\u007e]*$/u;

export function requestFrom(draft: Draft, loot: Loot): HostileRequest {
  const { kind, method, target, headers } = draft;
  const cookies = cookiesOf(headers);
  const bytes = bytesOf(draft);
  const isOrdinary = ORDINARY.test(target) && bytes.length - (draft.body?.length ?? 0) < MOST_HEADER_BYTES;
  return {
    kind,
    method,
    target,
    bytes,
    isHead: method === 'HEAD',
    // Fastify closes after a body that it cannot read.
    isLone: !isOrdinary || (draft.body !== undefined && !draft.isPlain) || headers.some(upsetsBodyParsers),
    ownRoute: draft.isPlain && isOrdinary && !headers.some(upsetsBodyParsers) ? ownRouteOf(method, target) : undefined,
    login: loginIn(target, cookies, loot),
    session: sessionIn(cookies, loot),
  };
}

/** Bytes that need not be HTTP. */
export function rawRequest(kind: string, text: string): HostileRequest {
  const [method = '', target = ''] = text.split(' ', 2);
  return {
    kind,
    method,
    target,
    bytes: Buffer.from(text, 'latin1'),
    isHead: false,
    isLone: true,
    ownRoute: undefined,
    login: undefined,
    session: undefined,
  };
}

function bytesOf({ method, target, headers, body, isChunked }: Draft): Buffer {
  const length = Buffer.byteLength(body ?? '', 'latin1');
  const framing: [string, string][] = isChunked
    ? [['Transfer-Encoding', 'chunked']]
    : body === undefined
      ? []
      : [['Content-Length', String(length)]];
  const head = [...headers, ...framing].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const chunks = body ? `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : '0\r\n\r\n';
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${head}\r\n${isChunked ? chunks : (body ?? '')}`, 'latin1');
}

/** The platforms refuse a body that they cannot read before any handler sees the request. */
function upsetsBodyParsers([name, value]: readonly [string, string]): boolean {
  return name === 'Content-Encoding' || (name === 'Content-Type' && value !== FORM);
}

function ownRouteOf(method: string, target: string): OwnRoute | undefined {
  const [path] = target.split('?', 1);
  return (Object.keys(ROUTES) as OwnRoute[]).find((route) => path === `/auth/${route}` && method === ROUTES[route]);
}

/** As RFC 6265 §4.2.1 spells the header, in the plainest way. */
function cookiesOf(headers: Draft['headers']): (readonly [string, string])[] {
  return headers
    .filter(([name]) => name.toLowerCase() === 'cookie')
    .flatMap(([, value]) => value.split(';'))
    .map((pair) => pair.replace(/^ +/u, ''))
    .map((pair) => [pair.slice(0, Math.max(0, pair.indexOf('='))), pair.slice(pair.indexOf('=') + 1).trimEnd()]);
}

function loginIn(target: string, cookies: ReturnType<typeof cookiesOf>, loot: Loot): LootedLogin | undefined {
  const params = new URLSearchParams(target.slice(target.indexOf('?') + 1));
  return loot.logins.find(
    ({ state, code, cookie }) =>
      params.get('state') === state &&
      params.get('code') === code &&
      cookies.some(([name, value]) => name === cookie[0] && isSameSeal(value, cookie[1])),
  );
}

/** Quotes and the like around base64url are no secret that somebody could lack. */
function isSameSeal(value: string, seal: string): boolean {
  return Buffer.from(value, 'base64url').equals(Buffer.from(seal, 'base64url'));
}

function sessionIn(cookies: ReturnType<typeof cookiesOf>, loot: Loot): LootedSession | undefined {
  const values = cookies.filter(([name]) => name === 'sid').map(([, value]) => value);
  return values.length === 1 ? loot.sessionOf(values[0] as string) : undefined;
}
