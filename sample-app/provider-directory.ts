import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from './settings.js';

const TIMEOUT_MS = 1500;

/** The provider's public metadata (OpenID Connect Discovery 1.0), for what this app itself wants to know of it. */
@Injectable()
export class ProviderDirectory {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  /** Asks the provider now. Rejects when it does not answer within a moment. */
  async fetch(): Promise<Readonly<Record<string, unknown>>> {
    const issuer = this.settings.client.issuer.replace(/\/$/u, '');
    const response = await fetch(`${issuer}/.well-known/openid-configuration`, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`The provider answered ${response.status}.`);
    return (await response.json()) as Readonly<Record<string, unknown>>;
  }
}
