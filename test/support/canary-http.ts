import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Canary, SecretKind } from './canary.js';

/** What routes of the test applications hand out on purpose, by the end of their path. */
const HANDED_OUT: Readonly<Record<string, readonly SecretKind[]>> = {
  token: ['access token'],
  // All claims, and the nonce is one.
  profile: ['nonce'],
};

/** Parameters of requests to a provider, and members of its answers. */
const PARAMETERS: Readonly<Record<string, SecretKind>> = {
  access_token: 'access token',
  refresh_token: 'refresh token',
  id_token: 'ID token',
  id_token_hint: 'ID token',
  code: 'code',
  code_verifier: 'code verifier',
  state: 'state',
  nonce: 'nonce',
  client_secret: 'client secret',
  client_assertion: 'client assertion',
};

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface ClientExchange {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}

type Header = readonly [name: string, value: string];

/**
 * Listens to every HTTP server of this process: learns from what providers and applications say, and reports what
 * applications answer. Whoever is asked for a discovery document is a provider. Returns how to stop.
 */
export function listenToHttp(canary: Canary): () => void {
  const ports = new Set<number | undefined>();
  const providerPorts = new Set<number | undefined>();
  const onRequest = (message: unknown): void => {
    const { request, response } = message as Exchange;
    const port = request.socket.localPort;
    ports.add(port);
    if (request.url?.includes('/.well-known/')) providerPorts.add(port);
    const [, accessToken] = /^Bearer (.+)$/u.exec(request.headers.authorization ?? '') ?? [];
    canary.learn('access token', accessToken);
    if (providerPorts.has(port)) learnFromProvider(canary, request, response);
    // An API that an application calls may answer what it likes.
    else if (accessToken === undefined) watchApplication(canary, request, response);
  };
  // Applications in other processes.
  const onAnswer = (message: unknown): void => {
    const { response } = message as ClientExchange;
    if (ports.has(response.socket.remotePort)) return;
    for (const line of response.headers['set-cookie'] ?? []) learnCookie(canary, line);
  };
  subscribe('http.server.request.start', onRequest);
  subscribe('http.client.response.finish', onAnswer);
  return () => {
    unsubscribe('http.server.request.start', onRequest);
    unsubscribe('http.client.response.finish', onAnswer);
  };
}

function learnFromProvider(canary: Canary, request: IncomingMessage, response: ServerResponse): void {
  const { authorization = '' } = request.headers;
  if (authorization.startsWith('Basic ')) learnBasic(canary, authorization);
  if (request.method === 'POST') whenReceived(request, (body) => learnParameters(canary, new URLSearchParams(body)));
  whenAnswered(response, (headers, body) => {
    for (const [name, value] of headers) if (name === 'location') learnParameters(canary, paramsOf(value));
    for (const [name, value] of Object.entries(objectIn(body))) learnParameter(canary, name, value);
  });
}

function watchApplication(canary: Canary, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url?.split('?', 1)[0] ?? '';
  const callback = paramsOf(request.url ?? '');
  if (callback.has('code') && callback.has('state')) learnParameters(canary, callback);
  const answer = `the answer to ${request.method} ${path}`;
  whenAnswered(response, (headers, body) => {
    hearHeaders(canary, answer, headers);
    const { redirectTo } = objectIn(body);
    if (request.method === 'POST' && typeof redirectTo === 'string')
      return hearLocation(canary, `the body of ${answer}`, redirectTo);
    // Where there is no such route, Nest names the URL to whoever asked for it.
    const said = response.statusCode === 404 ? body.replace(request.url ?? '', '') : body;
    canary.hear(`the body of ${answer}`, said, HANDED_OUT[path.slice(path.lastIndexOf('/') + 1)]);
  });
}

function hearHeaders(canary: Canary, answer: string, headers: readonly Header[]): void {
  const others: string[] = [];
  for (const [name, value] of headers) {
    const place = `the header ${name} of ${answer}`;
    if (name === 'location') hearLocation(canary, place, value);
    else if (name === 'set-cookie') canary.hear(place, value, [learnCookie(canary, value)]);
    else others.push(value);
  }
  canary.hear(`a header of ${answer}`, others.join('\n'));
}

/** The provider is told state and nonce, and at the end of the session the ID token. Nobody else is. */
function hearLocation(canary: Canary, place: string, value: string): void {
  if (!/^https?:/u.test(value)) return canary.hear(place, value);
  const params = paramsOf(value);
  if (params.has('response_type')) {
    learnParameters(canary, params);
    return canary.hear(place, value, ['state', 'nonce']);
  }
  canary.learn('ID token', params.get('id_token_hint'));
  const allowed: readonly SecretKind[] = params.has('post_logout_redirect_uri') ? ['state'] : [];
  canary.hear(place, value.replace(/(?<=[?&]id_token_hint=)[^&]+/u, ''), allowed);
}

function learnCookie(canary: Canary, line: string): SecretKind {
  const [, name = '', value] = /^([^=]+)=([^;]*)/u.exec(line) ?? [];
  const kind = name.includes('oidc.tx.') ? 'transaction cookie' : 'session cookie';
  canary.learn(kind, value);
  return kind;
}

function learnBasic(canary: Canary, authorization: string): void {
  const [, secret = ''] = Buffer.from(authorization.slice('Basic '.length), 'base64').toString().split(':', 2);
  canary.learn('client secret', secret);
}

function learnParameters(canary: Canary, params: URLSearchParams): void {
  for (const [name, value] of params) learnParameter(canary, name, value);
}

function learnParameter(canary: Canary, name: string, value: unknown): void {
  const kind = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
  if (kind !== undefined) canary.learn(kind, value);
}

function paramsOf(url: string): URLSearchParams {
  return new URLSearchParams(url.split('#', 1)[0]?.split('?').slice(1).join('?'));
}

function objectIn(body: string): Record<string, unknown> {
  if (!body.startsWith('{')) return {};
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Reads along: a listener of its own would take the body away from the others. */
function whenReceived(request: IncomingMessage, done: (body: string) => void): void {
  const chunks: Uint8Array[] = [];
  const push = request.push.bind(request);
  request.push = (chunk: Uint8Array | null, ...rest) => {
    if (chunk === null) done(Buffer.concat(chunks).toString());
    else chunks.push(chunk);
    return push(chunk, ...rest);
  };
}

/** Header lines and body as they go out, whichever way they were given. */
function whenAnswered(response: ServerResponse, done: (headers: readonly Header[], body: string) => void): void {
  const chunks: (string | Uint8Array)[] = [];
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(chunk);
  };
  const [write, end] = [response.write, response.end] as unknown as ((...args: unknown[]) => never)[];
  Object.assign(response, {
    write: (...args: unknown[]) => {
      keep(args[0]);
      return write?.apply(response, args);
    },
    end: (...args: unknown[]) => {
      keep(args[0]);
      const result = end?.apply(response, args);
      done(headersOf(response), chunks.map((chunk) => Buffer.from(chunk).toString()).join(''));
      return result;
    },
  });
}

/** From the head that was sent: `getHeaders` does not know what was given to `writeHead`. */
function headersOf(response: ServerResponse): Header[] {
  const { _header: head } = response as unknown as { readonly _header: string | null };
  const [, ...lines] = (head ?? '').trimEnd().split('\r\n');
  return lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
}
