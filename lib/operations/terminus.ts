import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type { Health } from '../common/health.js';
import { OidcHealth } from './oidc-health.js';

/**
 * Health indicators for `@nestjs/terminus`: `store` for readiness, `provider` for a dashboard. A provider that is away must
 * not take the application out of rotation: users who are logged in go on.
 */
@Injectable()
export class OidcHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(OidcHealth) private readonly health: OidcHealth,
  ) {}

  /** Whether sessions can be read: one read of the store. */
  async store<Key extends string>(key: Key): Promise<HealthIndicatorResult<Key>> {
    return this.tell(key, await this.health.store());
  }

  /** What is known of the provider. Sends no request that the application would not send by itself. */
  provider<Key extends string>(key: Key): HealthIndicatorResult<Key> {
    return this.tell(key, this.health.provider());
  }

  private tell<Key extends string>(key: Key, health: Health): HealthIndicatorResult<Key> {
    const indicator = this.indicators.check(key);
    if (health.status === 'up') return indicator.up();
    const { reason, since } = health;
    return indicator.down({ reason, ...(since === undefined ? {} : { since: new Date(since).toISOString() }) });
  }
}
