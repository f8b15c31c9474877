import { Inject, Injectable } from '@nestjs/common';
import { StoreUnavailableError } from '../common/errors.js';
import type { Health } from '../common/health.js';
import { ProviderMetadata } from '../provider/provider-metadata.js';
import { SessionRepository } from '../session/session-repository.js';

/** A token under which no session is: real ones are random. */
const UNUSED_TOKEN = '-'.repeat(43);

/** How the store and the provider do, apart from each other: for probes and dashboards. */
@Injectable()
export class OidcHealth {
  constructor(
    @Inject(SessionRepository) private readonly sessions: SessionRepository,
    @Inject(ProviderMetadata) private readonly metadata: ProviderMetadata,
  ) {}

  /** Reads from the store once. */
  async store(): Promise<Health> {
    try {
      await this.sessions.load(UNUSED_TOKEN);
      return { status: 'up' };
    } catch (error) {
      if (error instanceof StoreUnavailableError) return { status: 'down', reason: error.code };
      throw error;
    }
  }

  /**
   * What the last look at the provider's metadata told. Waits for nobody and sends nothing as long as they are good; while
   * they are not, it has them looked at again, at most once every few seconds, however often it is asked.
   */
  provider(): Health {
    const { health } = this.metadata;
    void this.metadata.get().catch(() => undefined);
    return health;
  }
}
