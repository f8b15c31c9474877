import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { gate } from '../support/gate.js';
import { TestProvider } from '../support/test-provider.js';

/** What the provider does with refresh requests instead of answering them. None of these processes the request. */
export type Trouble =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'drop' };

/** A refresh token on its way through the provider. Times are the machine's. */
export interface Presentation {
  readonly process: string;
  readonly token: string;
  readonly sentAt: number;
  readonly arrivedAt: number;
  /** Whether the provider acted upon it. Where it did not, the token is as good as before. */
  processed: boolean;
  answeredAt: number | undefined;
}

/** What the provider's database saw of one refresh token. */
export interface RefreshTokenRecord {
  readonly accountId: string;
  /** When it was spent. */
  readonly consumedAt: number[];
  /** When it came back although it was spent: its family is revoked then. */
  readonly reusedAt: number[];
  revoked: boolean;
}

export interface StrictProviderOptions {
  readonly redirectUris: readonly string[];
  /** Seconds. */
  readonly accessTokenLifetime: number;
  readonly latencyMs: number;
}

/**
 * `oidc-provider` with rotation and family revocation, which keeps account of every token: whose it is, who presented it
 * and when. Each refresh takes `latencyMs` longer, half of it before the token is spent and half of it after.
 *
 * The account that logs in is named by the browser, in a cookie `account`, so that many can log in at once.
 */
export class StrictProvider {
  trouble: Trouble | undefined;
  readonly presentations: Presentation[] = [];
  /** Requests for revocation. */
  readonly revocations: { readonly process: string; readonly token: string }[] = [];
  /** By hash. */
  readonly accessTokenOwners = new Map<string, string>();
  readonly refreshTokens = new Map<string, RefreshTokenRecord>();
  private beforeProcessing: Promise<void> | undefined;
  private beforeAnswer: Promise<void> | undefined;

  private constructor(
    private readonly latencyMs: number,
    private readonly server: TestProvider,
  ) {}

  static async start({ redirectUris, accessTokenLifetime, latencyMs }: StrictProviderOptions): Promise<StrictProvider> {
    let strict: StrictProvider | undefined;
    const server = await TestProvider.start({
      redirectUris,
      accessTokenLifetime,
      // The default one forgets all but the latest thousand rows.
      configuration: { adapter: (model: string) => (strict as StrictProvider).adapter(model) },
    });
    strict = new StrictProvider(latencyMs, server);
    server.fault = (request, response) => (strict as StrictProvider).intercept(request, response);
    return strict;
  }

  get issuer(): string {
    return this.server.issuer;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  /** Holds refreshes, before the provider has acted upon them or after, until the function it answers is called. */
  hold(where: 'before processing' | 'before the answer'): () => void {
    const { passed, open } = gate();
    if (where === 'before processing') this.beforeProcessing = passed;
    else this.beforeAnswer = passed;
    return () => {
      this.beforeProcessing = undefined;
      this.beforeAnswer = undefined;
      open();
    };
  }

  private intercept(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    // At once, so that nobody else's login comes between.
    if (path.startsWith('/interaction/')) this.server.accountId = accountOf(request);
    const [process, token] = [header(request, 'x-process'), header(request, 'x-token')];
    if (token === '') return false;
    if (path === '/token/revocation') this.revocations.push({ process, token });
    if (path !== '/token') return false;
    const presentation: Presentation = {
      process,
      token,
      sentAt: Number(header(request, 'x-sent-at')),
      arrivedAt: Date.now(),
      processed: false,
      answeredAt: undefined,
    };
    this.presentations.push(presentation);
    return this.refresh(presentation, request, response);
  }

  private async refresh(
    presentation: Presentation,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<boolean> {
    const { trouble } = this;
    if (trouble) {
      makeTrouble(trouble, request, response);
      return true;
    }
    await pause(this.latencyMs / 2);
    await this.beforeProcessing;
    // Whoever sent it is dead.
    if (request.destroyed) return true;
    presentation.processed = true;
    response.once('finish', () => (presentation.answeredAt = Date.now()));
    // The token is spent long before the answer is on its way.
    holdAnswer(response, Promise.all([pause(this.latencyMs / 2), this.beforeAnswer]));
    return false;
  }

  private adapter(model: string): Adapter {
    const rows = new Map<string, AdapterPayload>();
    const rowWhere = (test: (row: AdapterPayload) => boolean): AdapterPayload | undefined =>
      [...rows.values()].find(test);
    return {
      upsert: async (id, payload) => {
        rows.set(id, payload);
        const accountId = payload.accountId ?? '';
        if (model === 'AccessToken') this.accessTokenOwners.set(hashOf(id), accountId);
        if (model === 'RefreshToken') {
          this.refreshTokens.set(hashOf(id), { accountId, consumedAt: [], reusedAt: [], revoked: false });
        }
      },
      find: async (id) => {
        const row = rows.get(id);
        if (model === 'RefreshToken' && row?.consumed) this.refreshTokens.get(hashOf(id))?.reusedAt.push(Date.now());
        return row;
      },
      findByUid: async (uid) => rowWhere((row) => row.uid === uid),
      findByUserCode: async (userCode) => rowWhere((row) => row.userCode === userCode),
      consume: async (id) => {
        Object.assign(rows.get(id) ?? {}, { consumed: Math.floor(Date.now() / 1000) });
        this.refreshTokens.get(hashOf(id))?.consumedAt.push(Date.now());
      },
      destroy: async (id) => {
        rows.delete(id);
        this.noteRevoked(model, id);
      },
      revokeByGrantId: async (grantId) => {
        for (const [id, row] of rows) {
          if (row.grantId !== grantId) continue;
          rows.delete(id);
          this.noteRevoked(model, id);
        }
      },
    };
  }

  private noteRevoked(model: string, id: string): void {
    const record = this.refreshTokens.get(hashOf(id));
    if (model === 'RefreshToken' && record) record.revoked = true;
  }
}

function makeTrouble(trouble: Trouble, request: IncomingMessage, response: ServerResponse): void {
  switch (trouble.kind) {
    case 'status':
      response.writeHead(trouble.status, { 'content-type': 'application/json', ...trouble.headers });
      response.end(trouble.body ?? '{"error":"temporarily_unavailable"}');
      return;
    case 'drop':
      request.socket.destroy();
      return;
    case 'hang':
      // Until the other side gives up.
      return;
    default:
      trouble satisfies never;
  }
}

/** The provider has done its work, and the network keeps the answer. */
function holdAnswer(response: ServerResponse, until: Promise<unknown>): void {
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = ((...args: unknown[]) => {
    void until.then(() => end(...args));
    return response;
  }) as typeof response.end;
}

function accountOf(request: IncomingMessage): string {
  return /(?:^|; )account=([^;]+)/u.exec(request.headers.cookie ?? '')?.[1] ?? 'alice';
}

function header(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? '');
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
