import { BadGatewayException, Inject, Injectable, Logger } from '@nestjs/common';
import { ProviderDirectory } from '../provider-directory.js';
import { SETTINGS, type Settings } from '../settings.js';

const TIMEOUT_MS = 5000;

/** The API that this app calls on behalf of its users. */
@Injectable()
export class ResourceClient {
  private readonly logger = new Logger(ResourceClient.name);
  private userinfoUrl: string | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(ProviderDirectory) private readonly provider: ProviderDirectory,
  ) {}

  /**
   * What the API answers to the bearer of this token.
   *
   * @throws BadGatewayException when it cannot be reached, refuses, or does not answer in JSON
   */
  async fetch(accessToken: string): Promise<unknown> {
    try {
      const response = await fetch(await this.url(), {
        headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
        // A redirect would carry the token to wherever it points.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) throw new ResourceError(`http_${response.status}`);
      return await response.json();
    } catch (error) {
      this.logger.warn(`the resource failed (${reasonOf(error)})`);
      throw new BadGatewayException('The API behind this route does not answer as it should.');
    }
  }

  /** Without an API of its own, the app asks the one that every provider has: UserInfo (OpenID Connect Core 1.0 §5.3). */
  private async url(): Promise<string> {
    if (this.settings.resourceUrl !== undefined) return this.settings.resourceUrl;
    if (this.userinfoUrl === undefined) {
      const { userinfo_endpoint: endpoint } = await this.provider.fetch();
      if (typeof endpoint !== 'string') throw new ResourceError('no_userinfo_endpoint');
      this.userinfoUrl = endpoint;
    }
    return this.userinfoUrl;
  }
}

class ResourceError extends Error {
  constructor(readonly reason: string) {
    super('The resource cannot be used.');
  }
}

/** Never the message: it may quote what the API answered. */
function reasonOf(error: unknown): string {
  if (error instanceof ResourceError) return error.reason;
  return error instanceof Error ? error.name : 'unknown';
}
