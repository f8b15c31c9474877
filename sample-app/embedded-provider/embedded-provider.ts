import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Provider } from 'oidc-provider';
import type { Environment, ProviderClient } from '../environment.js';
import { OpenConnections } from '../http/open-connections.js';
import { configuration } from './configuration.js';
import { LoginForm } from './login-form.js';
import { OrdersApi } from './orders-api.js';
import { errorPage } from './provider-pages.js';
import { sendPublicFile } from './public-files.js';
import { sendHtml } from './send-html.js';
import { withoutNotices } from './without-notices.js';

export interface EmbeddedProviderOptions {
  /** Another one is taken when it is not free. */
  readonly port: number;
  /** Origin of the app that logs its users in here. */
  readonly appUrl: string;
  /** Of access tokens. Seconds. */
  readonly tokenLifetime: number;
  /** How long a token request takes. Milliseconds. */
  readonly delayMs: number;
}

/**
 * An OpenID Provider for demonstration: `oidc-provider` with a login form, two users, and everything in memory. Beside
 * it an API that takes its access tokens.
 */
export class EmbeddedProvider {
  private readonly logger = new Logger(EmbeddedProvider.name);
  private readonly loginForm: LoginForm;
  private readonly ordersApi: OrdersApi;
  private readonly handleProtocol: ReturnType<Provider['callback']>;
  private readonly connections: OpenConnections;

  /** The one that belongs to an app with this environment. */
  static startFor({ port, baseUrl, demo }: Environment): Promise<EmbeddedProvider> {
    const { tokenLifetime, providerDelayMs: delayMs } = demo;
    return EmbeddedProvider.start({ port: port + 1, appUrl: baseUrl, tokenLifetime, delayMs });
  }

  static async start(options: EmbeddedProviderOptions): Promise<EmbeddedProvider> {
    const server = await listen(options.port);
    const { port: actualPort } = server.address() as AddressInfo;
    const client: ProviderClient = {
      issuer: `http://localhost:${actualPort}`,
      clientId: 'sample-app',
      clientSecret: randomBytes(32).toString('base64url'),
    };
    const provider = await createProvider(client, options);
    return new EmbeddedProvider(server, provider, client, options);
  }

  private constructor(
    private readonly server: Server,
    provider: Provider,
    /** The client that is registered for the app. */
    readonly client: ProviderClient,
    private readonly options: EmbeddedProviderOptions,
  ) {
    this.loginForm = new LoginForm(provider);
    this.ordersApi = new OrdersApi(provider);
    this.handleProtocol = provider.callback();
    this.connections = new OpenConnections(server);
    provider.on('backchannel.error', (_ctx, { name }) =>
      this.logger.warn(`the app was not told of a logout (${name})`),
    );
    provider.on('server_error', (_ctx, error: Error) => this.logger.error(error.stack));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.handle(request, response));
  }

  /** The API that takes the provider's access tokens. */
  get resourceUrl(): string {
    return `${this.client.issuer}/orders`;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.connections.closeIdle();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.setSecurityHeaders(response);
    try {
      await this.route(request, response);
    } catch {
      // A login that is over or belongs to another browser; the provider reports its own failures as `server_error`.
      if (response.headersSent) response.destroy();
      else sendHtml(response, 400, errorPage(this.options.appUrl));
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path.startsWith('/interaction/')) return this.loginForm.handle(request, response);
    if (path.startsWith('/assets/')) return sendPublicFile(response, path);
    if (path === '/orders') return this.ordersApi.handle(request, response);
    if (path === '/token') await pause(this.options.delayMs);
    return this.handleProtocol(request, response);
  }

  private setSecurityHeaders(response: ServerResponse): void {
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      // The form's answer leads back to the app.
      `form-action 'self' ${this.options.appUrl}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; ');
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('X-Content-Type-Options', 'nosniff');
  }
}

/** Imported when it is needed only: with a provider of one's own, this one is not even loaded. */
function createProvider(client: ProviderClient, options: EmbeddedProviderOptions): Promise<Provider> {
  return withoutNotices(async () => {
    const { Provider } = await import('oidc-provider');
    return new Provider(client.issuer, await configuration(client, options));
  });
}

async function listen(port: number): Promise<Server> {
  try {
    return await listenAt(port);
  } catch {
    return listenAt(0);
  }
}

async function listenAt(port: number): Promise<Server> {
  const server = createServer().listen(port);
  await once(server, 'listening');
  return server;
}
