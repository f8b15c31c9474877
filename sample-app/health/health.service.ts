import { Inject, Injectable } from '@nestjs/common';
import { SESSION_STORE, type SessionStore } from 'nest-oidc';
import { ProviderDirectory } from '../provider-directory.js';

export type State = 'available' | 'unavailable';

export interface Health {
  /** `degraded`: the process serves, but something that it needs does not. */
  readonly status: 'ok' | 'degraded';
  readonly store: State;
  readonly provider: State;
}

/** A probe is asked again after this long at the earliest, however many ask for the health. */
const MAX_AGE_MS = 500;

/** A key that no session has: they are hashes. */
const NO_SESSION = 'health-probe';

/** Tries out store and provider. Never fails: that something is away is an answer. */
@Injectable()
export class HealthService {
  private latest: { readonly health: Promise<Health>; readonly askedAt: number } | undefined;

  constructor(
    @Inject(SESSION_STORE) private readonly store: SessionStore,
    private readonly provider: ProviderDirectory,
  ) {}

  check(): Promise<Health> {
    const now = performance.now();
    if (!this.latest || now - this.latest.askedAt > MAX_AGE_MS) this.latest = { health: this.probe(), askedAt: now };
    return this.latest.health;
  }

  private async probe(): Promise<Health> {
    const [store, provider] = await Promise.all([
      stateOf(() => this.store.get(NO_SESSION)),
      stateOf(() => this.provider.fetch()),
    ]);
    const status = store === 'available' && provider === 'available' ? 'ok' : 'degraded';
    return { status, store, provider };
  }
}

async function stateOf(probe: () => unknown): Promise<State> {
  try {
    await probe();
    return 'available';
  } catch {
    return 'unavailable';
  }
}
