import { ACCESS_TOKEN, REFRESH_TOKEN } from '../support/scripted-provider.js';
import { SECRET } from '../support/test-app.js';
import { CLIENT_SECRET } from '../support/test-provider.js';
import type { HostileRequest } from './draft.js';
import type { WireAnswer } from './wire.js';

/** On every answer of the library (security.md, headers by endpoint). */
const BASE_HEADERS: Readonly<Record<string, RegExp>> = {
  'cache-control': /^no-store$/u,
  pragma: /^no-cache$/u,
  'referrer-policy': /^no-referrer$/u,
  'x-content-type-options': /^nosniff$/u,
  'x-frame-options': /^DENY$/u,
  'cross-origin-resource-policy': /^same-origin$/u,
  'content-security-policy': /^default-src 'none'; base-uri 'none'; frame-ancestors 'none'(?:; |$)/u,
};
/** What back-channel logout answers goes to no browser. */
const BACKCHANNEL_HEADERS: readonly string[] = ['cache-control', 'x-content-type-options'];

/** Every answer from 500 on that is documented: the provider misbehaves, is away, or the store is. */
const SERVER_ERRORS: ReadonlySet<string> = new Set([
  '502 token_response_invalid',
  '502 token_request_failed',
  '502 userinfo_invalid',
  '502 provider_metadata_invalid',
  '502 response_too_large',
  '503 provider_unreachable',
  '503 store_unavailable',
  '503 refresh_transient',
  '503 op_error',
]);

/** What Node, Express and Fastify answer by themselves: nobody's request, nobody's body, nobody's address. */
const OF_THE_PLATFORM: ReadonlySet<number> = new Set([304, 400, 404, 405, 408, 413, 414, 415, 417, 431]);
/** The application's own routes answer these. */
const OF_THE_APPLICATION: ReadonlySet<number> = new Set([200, 201, 204]);

const SESSION_COOKIE = /^sid=([\w-]{43}); Path=\/; HttpOnly; SameSite=Lax$/u;
const OTHER_COOKIES: readonly RegExp[] = [
  /^sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=\/; HttpOnly; SameSite=Lax$/u,
  /^oidc\.tx\.[\w-]{8}=[\w-]{100,1900}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/u,
  /^oidc\.tx\.[^;=\s]*=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=\/; HttpOnly; SameSite=Lax$/u,
];
/** What the application's own route answers to the user whose token it is. */
const HANDED_OUT = JSON.stringify({ accessToken: ACCESS_TOKEN });
const SECRETS: readonly string[] = [REFRESH_TOKEN, CLIENT_SECRET, SECRET, 'node_modules', '    at '];

/** Says what is wrong with an answer. Knows the promises, and nothing of how they are kept. */
export class Judge {
  /** How often each kind of answer was seen. */
  readonly seen = new Map<string, number>();

  constructor(private readonly issuer: string) {}

  wrongsOf(request: HostileRequest, answer: WireAnswer): readonly string[] {
    this.count(request, answer);
    return [
      ...statusWrongs(request, answer),
      ...headerWrongs(request, answer),
      ...cookieWrongs(request, answer),
      ...identityWrongs(request, answer),
      ...this.locationWrongs(answer),
      ...SECRETS.filter((secret) => answer.body.includes(secret)).map((secret) => `shows ${secret}`),
    ];
  }

  private count({ kind, isHead }: HostileRequest, answer: WireAnswer): void {
    const { status } = answer;
    const names = [kind, String(status), ...(status >= 500 && !isHead ? [`${status} ${codeOf(answer)}`] : [])];
    for (const name of names) {
      this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
    }
  }

  /** Our own pages, or the provider's where a login or a logout goes. */
  private locationWrongs({ headers }: WireAnswer): readonly string[] {
    return (headers.get('location') ?? [])
      .filter((location) => !/^\/(?![/\\])[\u0021-\u007e]*$/u.test(location))
      .filter((location) => !(location.startsWith(`${this.issuer}/authorize?`) && /^[\u0021-\u007e]+$/u.test(location)))
      .map((location) => `redirects to ${location}`);
  }
}

function statusWrongs({ isHead }: HostileRequest, answer: WireAnswer): readonly string[] {
  const { status } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) return [`answers the status ${status}`];
  if (status < 500 || (isHead && (status === 502 || status === 503))) return [];
  const error = `${status} ${codeOf(answer)}`;
  return SERVER_ERRORS.has(error) ? [] : [`answers ${error}, which is not documented`];
}

/** The session that an answer gives out. */
export function sessionTokenIn({ headers }: WireAnswer): string | undefined {
  const tokens = (headers.get('set-cookie') ?? []).map((cookie) => SESSION_COOKIE.exec(cookie)?.[1]);
  return tokens.find((token) => token !== undefined);
}

function headerWrongs({ ownRoute, method, kind }: HostileRequest, { status, headers }: WireAnswer): readonly string[] {
  const expected = ownRoute === 'backchannel-logout' ? BACKCHANNEL_HEADERS : Object.keys(BASE_HEADERS);
  const missing = expected.filter((name) => !hasOnce(headers, name));
  const unwanted = ['etag', 'last-modified', 'access-control-allow-origin'].filter((name) => headers.has(name));
  if (ownRoute !== undefined) {
    return [...missing.map((name) => `lacks ${name}`), ...unwanted.map((name) => `has ${name}`)];
  }
  if (missing.length === 0 || OF_THE_PLATFORM.has(status)) return [];
  if (method === 'OPTIONS' || kind === 'malformed' || OF_THE_APPLICATION.has(status)) return [];
  return [`answers ${status} without ${missing.join(', ')}`];
}

function hasOnce(headers: WireAnswer['headers'], name: string): boolean {
  const [value, ...more] = headers.get(name) ?? [];
  return value !== undefined && more.length === 0 && BASE_HEADERS[name]?.test(value) === true;
}

function cookieWrongs({ login, ownRoute }: HostileRequest, answer: WireAnswer): readonly string[] {
  const cookies = answer.headers.get('set-cookie') ?? [];
  const wrongs = cookies
    .filter((cookie) => ![SESSION_COOKIE, ...OTHER_COOKIES].some((form) => form.test(cookie)))
    .map((cookie) => `sets ${cookie}`);
  if (ownRoute === 'backchannel-logout' && cookies.length > 0) wrongs.push('sets a cookie at a back-channel logout');
  if (sessionTokenIn(answer) === undefined) return wrongs;
  if (!login) wrongs.push('gives a session to somebody who did not complete a login');
  if (login?.used) wrongs.push('gives a second session for one login');
  return wrongs;
}

/** Who is told about a user must be that user. */
function identityWrongs({ session }: HostileRequest, { status, body }: WireAnswer): readonly string[] {
  const wrongs: string[] = [];
  if (body.includes(ACCESS_TOKEN) && !(session && body === HANDED_OUT)) wrongs.push('shows an access token');
  const sub = status === 200 ? /"sub":"([^"]*)"/u.exec(body)?.[1] : undefined;
  if (sub === undefined) return wrongs;
  if (!session) wrongs.push(`takes a stranger for ${sub}`);
  else if (session.sub !== sub) wrongs.push(`takes ${session.sub} for ${sub}`);
  else if (session.isLoggedOut) wrongs.push(`takes ${sub} for logged in after the logout`);
  return wrongs;
}

/** The library's code, of JSON or of a page. */
function codeOf({ body }: WireAnswer): string {
  return /"error":"(\w+)"/u.exec(body)?.[1] ?? /<small>\s*(\w+)/u.exec(body)?.[1] ?? '(no code)';
}
