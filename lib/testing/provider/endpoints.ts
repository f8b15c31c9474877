import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** Paths of the provider's endpoints, by the names that tests use. */
export const PATHS = {
  discovery: '/.well-known/openid-configuration',
  keys: '/jwks',
  authorization: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  revocation: '/revoke',
  endSession: '/logout',
} as const;

/** An endpoint of the test provider. */
export type ProviderEndpoint = keyof typeof PATHS;

/** A request that has reached the test provider. */
export interface ProviderRequest {
  readonly endpoint: ProviderEndpoint;
  readonly headers: IncomingHttpHeaders;
  /** Of the query, or of the body of a form. */
  readonly params: URLSearchParams;
}

/** What the provider says. An object goes out as JSON. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

/** The request, or `undefined` when no endpoint is at its path. */
export async function readRequest(request: IncomingMessage): Promise<ProviderRequest | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const [path, query] = (request.url ?? '').split('?', 2);
  const names = Object.keys(PATHS) as ProviderEndpoint[];
  const endpoint = names.find((name) => PATHS[name] === path);
  if (endpoint === undefined) return undefined;
  const params = new URLSearchParams(request.method === 'POST' ? Buffer.concat(chunks).toString('utf8') : query);
  return { endpoint, headers: request.headers, params };
}

export function sendAnswer(response: ServerResponse, { status = 200, headers = {}, body = '' }: Answer): void {
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

/** A redirect with these parameters added; those that are `undefined` are left out. */
export function redirectTo(uri: string, params: Readonly<Record<string, string | undefined>>): Answer {
  const location = new URL(uri);
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) location.searchParams.set(name, value);
  }
  return { status: 302, headers: { location: location.href } };
}
