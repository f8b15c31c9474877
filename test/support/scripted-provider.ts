import { createHash, randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { compactJws, newSigningKey, signatureBy, type SigningKey } from './signing-keys.js';
import { freePort } from './free-port.js';
import { startApp, type TestApp, type TestAppOptions } from './test-app.js';
import { CLIENT_ID } from './test-provider.js';

export type Json = Record<string, unknown>;

/** A request as it crossed the wire. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** Path and query, raw. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the query, or of the body of a form. */
  readonly params: URLSearchParams;
}

/** An answer in full. A string or bytes go out as they are, anything else as JSON. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Milliseconds before the answer begins. */
  readonly delay?: number;
}

/** Closes the connection without an answer, or leaves the request open for ever. */
export type NoAnswer = 'drop' | 'hang';

/** What an ID token is made of. Everything may be bent before it is put together. */
export interface IdTokenParts {
  readonly header: Json;
  readonly claims: Json;
  readonly signature: (input: Buffer) => Uint8Array;
}

interface Script {
  /** The discovery document. */
  discovery: (document: Json) => unknown;
  /** The key set. */
  jwks: (keySet: { keys: unknown[] }) => unknown;
  /** The authorization response, as the parameters that the browser brings back. */
  authorizationResponse: (params: URLSearchParams) => URLSearchParams;
  /** Claims, header and signature of the ID token. */
  idToken: (parts: IdTokenParts) => IdTokenParts;
  /** The ID token as a whole, for what is no longer a JWS. */
  idTokenText: (idToken: string) => unknown;
  /** The token response. Text goes out as it is. */
  tokenResponse: (response: Json) => unknown;
  tokenHeaders: Readonly<Record<string, string>>;
  userInfo: (claims: Json) => unknown;
  /** Any request, before anything else looks at it; `undefined` lets it pass. */
  answer: (request: SeenRequest) => Answer | NoAnswer | undefined | Promise<Answer | NoAnswer | undefined>;
}

function honest(): Script {
  return {
    discovery: (document) => document,
    jwks: (keySet) => keySet,
    authorizationResponse: (params) => params,
    idToken: (parts) => parts,
    idTokenText: (idToken) => idToken,
    tokenResponse: (response) => response,
    tokenHeaders: {},
    userInfo: (claims) => claims,
    answer: () => undefined,
  };
}

/**
 * An OpenID Provider that does as it is told, right or wrong. Honest after {@link reset}; each hook gets what an honest
 * provider would say and answers what this one says instead. Whoever comes is logged in at once as {@link sub}.
 */
export class ScriptedProvider {
  sub = 'alice';
  script = honest();
  /** Every request, in order. */
  requests: SeenRequest[] = [];
  /** The keys in the key set. The first one signs. */
  keys: SigningKey[] = [newSigningKey('key-1')];
  readonly codes = new Map<string, URLSearchParams>();
  private server: Server | undefined;
  private port = 0;

  static async start(): Promise<ScriptedProvider> {
    const provider = new ScriptedProvider();
    await provider.listen();
    return provider;
  }

  get issuer(): string {
    return `http://localhost:${this.port}`;
  }

  /** Honest again, and nothing recorded. Keys stay. */
  reset(): void {
    this.script = honest();
    this.requests = [];
    this.sub = 'alice';
  }

  to(path: string): SeenRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  count(path: string): number {
    return this.to(path).length;
  }

  /** A new key signs from now on. The old ones are gone. */
  rotateKeys(): void {
    this.keys = [newSigningKey(`key-${randomUUID()}`)];
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.handle(request, response));
    await new Promise<void>((resolve) => server.listen(this.port, resolve));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Connections are refused until it listens again, at the same address. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = await read(request);
    this.requests.push(seen);
    const answer = (await this.script.answer(seen)) ?? this.honestly(seen);
    if (answer === 'hang') return;
    if (answer === 'drop') return void request.socket.destroy();
    if (answer.delay) await pause(answer.delay);
    send(response, answer);
  }

  private honestly(request: SeenRequest): Answer {
    switch (request.path) {
      case '/.well-known/openid-configuration':
        return { body: this.script.discovery(this.document()) };
      case '/jwks':
        return { body: this.script.jwks({ keys: this.keys.map(({ jwk }) => jwk) }) };
      case '/authorize':
        return this.authorize(request.params);
      case '/token':
        return { headers: this.script.tokenHeaders, body: this.script.tokenResponse(this.tokens(request.params)) };
      case '/userinfo':
        return { body: this.script.userInfo({ sub: this.sub, name: 'Alice' }) };
      default:
        return { status: 404 };
    }
  }

  private document(): Json {
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['none', 'HS256', 'RS256', 'RS384', 'PS256', 'ES256', 'EdDSA'],
    };
  }

  private authorize(request: URLSearchParams): Answer {
    const code = randomUUID();
    this.codes.set(code, request);
    const params = this.script.authorizationResponse(
      new URLSearchParams({ code, state: request.get('state') ?? '', iss: this.issuer }),
    );
    return { status: 302, headers: { location: `${request.get('redirect_uri')}?${params.toString()}` } };
  }

  private tokens(params: URLSearchParams): Json {
    const isRefresh = params.get('grant_type') === 'refresh_token';
    const request = isRefresh
      ? new URLSearchParams({ client_id: CLIENT_ID, scope: 'openid' })
      : this.codes.get(params.get('code') ?? '');
    if (!request) return { error: 'invalid_grant' };
    return {
      access_token: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: REFRESH_TOKEN,
      scope: request.get('scope'),
      id_token: this.idTokenFor(request),
    };
  }

  private idTokenFor(request: URLSearchParams): unknown {
    const [key] = this.keys;
    if (!key) throw new Error('This provider has no key to sign with.');
    const now = Math.floor(Date.now() / 1000);
    const { header, claims, signature } = this.script.idToken({
      header: { alg: key.alg, kid: key.kid, typ: 'JWT' },
      claims: {
        iss: this.issuer,
        sub: this.sub,
        aud: request.get('client_id'),
        exp: now + 3600,
        iat: now,
        nonce: request.get('nonce') ?? undefined,
      },
      signature: signatureBy(key),
    });
    return this.script.idTokenText(compactJws(header, claims, signature));
  }
}

/** What every login gets: to be looked for where it must not be. */
export const ACCESS_TOKEN = 'the-access-token-of-the-scripted-provider';
export const REFRESH_TOKEN = 'the-refresh-token-which-nobody-may-see-here';

/** The left half of a hash, for `at_hash` (OpenID Connect Core 1.0 §3.1.3.6). */
export function halfHash(text: string, algorithm = 'sha256'): string {
  const digest = createHash(algorithm).update(text).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** The application of the other tests, at this provider. */
export async function startAppAt(
  provider: ScriptedProvider,
  options: Omit<TestAppOptions, 'port' | 'issuer'> & { readonly issuer?: string } = {},
): Promise<TestApp> {
  return startApp({ issuer: provider.issuer, ...options, port: await freePort() });
}

async function read(request: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const target = request.url ?? '';
  const [path = '', query = ''] = target.split('?', 2);
  const body = Buffer.concat(chunks).toString('utf8');
  return {
    method: request.method ?? '',
    path,
    target,
    headers: request.headers,
    params: new URLSearchParams(request.method === 'POST' ? body : query),
  };
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '' }: Answer): void {
  const asItIs = typeof body === 'string' || body instanceof Uint8Array;
  response.writeHead(status, { ...(asItIs ? {} : { 'content-type': 'application/json' }), ...headers });
  response.end(asItIs ? body : JSON.stringify(body));
}
