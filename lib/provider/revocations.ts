import { Inject, Injectable } from '@nestjs/common';
import { OidcError } from '../common/errors.js';
import { EventLog } from '../common/events.js';
import { randomToken } from '../common/random.js';
import { SingleFlight } from '../common/single-flight.js';
import { ProviderService } from './provider.service.js';

/** Revokes refresh tokens that nobody needs any more (RFC 7009): best effort, and nobody waits for it. */
@Injectable()
export class Revocations {
  private readonly running = new SingleFlight<void>();

  constructor(
    @Inject(ProviderService) private readonly provider: ProviderService,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  revoke(refreshToken: string | undefined): void {
    if (refreshToken === undefined) return;
    void this.running.run(randomToken(), async () => {
      try {
        await this.provider.revoke(refreshToken);
      } catch (error) {
        const reason = error instanceof OidcError ? (error.detail ?? error.code) : 'unexpected';
        this.events.emit({ name: 'token.revocation_failed', reason });
      }
    });
  }

  /** When every revocation under way has ended. */
  drain(): Promise<void> {
    return this.running.settled();
  }
}
