import type { SessionStore } from 'nest-oidc';
import type { Environment, ProviderClient } from './environment.js';
import type { Broadcast } from './timeline/broadcast.js';

/** Injection token of the {@link Settings}. */
export const SETTINGS = Symbol('settings');

/** What the app runs with: the environment, and what was started because of it. */
export interface Settings extends Environment {
  readonly client: ProviderClient;
  /** The API that `/api/resource` calls. `undefined`: the provider's UserInfo endpoint. */
  readonly resourceUrl: string | undefined;
  /** `undefined`: the library's own, in memory. */
  readonly sessionStore: SessionStore | undefined;
  /** To the other processes of this app. */
  readonly broadcast: Broadcast;
}
