import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider, type ClientMetadata, type Configuration } from 'oidc-provider';

export interface TestProviderOptions {
  readonly port?: number;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  /** Seconds. */
  readonly accessTokenLifetime?: number;
  readonly rotate?: boolean;
  readonly client?: Partial<ClientMetadata>;
  readonly configuration?: Partial<Configuration>;
}

/** Answers a request instead of the provider; `true` when it did. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

export const CLIENT_ID = 'test-client';
export const CLIENT_SECRET = 'kF3_a-client-secret-for-tests-0Qz8';

/** A real OpenID Provider (`oidc-provider`) in process. Whoever comes is logged in as `accountId`, without a form. */
export class TestProvider {
  accountId = 'alice';
  fault: Fault | undefined;
  /** Requests by path, e.g. `/token`. */
  readonly requests: string[] = [];
  /** Token requests that the provider saw, by grant type and outcome. */
  readonly grants: { readonly type: string; readonly ok: boolean; readonly error?: string }[] = [];
  private server: Server | undefined;
  private provider: Provider | undefined;
  private keys: JWK[] = [];
  private port: number;

  private constructor(private readonly options: TestProviderOptions) {
    this.port = options.port ?? 0;
  }

  static async start(options: TestProviderOptions): Promise<TestProvider> {
    const provider = new TestProvider(options);
    provider.keys = [await newKey('key-1')];
    await provider.listen();
    return provider;
  }

  get issuer(): string {
    return `http://localhost:${this.port}`;
  }

  count(type: string): number {
    return this.grants.filter((grant) => grant.type === type).length;
  }

  /** New signing keys; the old ones are gone at once. */
  async rotateKeys(): Promise<void> {
    this.keys = [await newKey(`key-${Date.now()}-${Math.random()}`)];
    this.provider = this.create();
  }

  /** The provider goes away: connections are refused. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  /** And comes back at the same address. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.handle(request, response));
    await new Promise<void>((resolve) => server.listen(this.port, resolve));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    this.provider ??= this.create();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    this.requests.push(path);
    if (await this.fault?.(request, response)) return;
    const provider = this.provider as Provider;
    if (path.startsWith('/interaction/')) {
      await provider.interactionFinished(request, response, { login: { accountId: this.accountId } });
    } else {
      await provider.callback()(request, response);
    }
  }

  private create(): Provider {
    const { client, configuration, accessTokenLifetime = 3600, rotate = true } = this.options;
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [...this.options.redirectUris],
          post_logout_redirect_uris: [...(this.options.postLogoutRedirectUris ?? [])],
          ...client,
        } as ClientMetadata,
      ],
      jwks: { keys: this.keys as never },
      cookies: { keys: ['test'] },
      claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      rotateRefreshToken: rotate,
      issueRefreshToken: (_ctx, registered) => registered.grantTypeAllowed('refresh_token'),
      ttl: {
        AccessToken: accessTokenLifetime,
        AuthorizationCode: 60,
        IdToken: 3600,
        RefreshToken: 86_400,
        Session: 86_400,
        Grant: 86_400,
        Interaction: 3600,
      },
      features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true },
        rpInitiatedLogout: { enabled: true },
      },
      interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_ctx, id) => ({
        accountId: id,
        claims: () => ({ sub: id, name: `${id} of Wonderland`, email: `${id}@example.com`, email_verified: true }),
      }),
      loadExistingGrant: async (ctx) => {
        const grant = new ctx.oidc.provider.Grant({
          clientId: ctx.oidc.client?.clientId ?? '',
          accountId: ctx.oidc.session?.accountId ?? '',
        });
        grant.addOIDCScope('openid profile email offline_access');
        await grant.save();
        return grant;
      },
      ...configuration,
    });
    provider.on('grant.success', (ctx) =>
      this.grants.push({ type: String(ctx.oidc.params?.['grant_type']), ok: true }),
    );
    provider.on('grant.error', (ctx, error) =>
      this.grants.push({ type: String(ctx.oidc.params?.['grant_type']), ok: false, error: error.message }),
    );
    return provider;
  }
}

async function newKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' };
}
