// In an application's tests
export { loginAs, type LoginAsOptions, type TestClaims, type TestLogin } from './login-as.js';
export { TestClock } from './test-clock.js';
export { MODULE_OPTIONS_TOKEN as OIDC_OPTIONS } from '../oidc.module-definition.js';
export { CLOCK, type Clock, type Timer } from '../common/clock.js';

// Journeys
export {
  OidcTestProvider,
  type OidcTestProviderOptions,
  type TestApplication,
  type TestLogoutTarget,
  type TestProviderOptions,
  type TestTokens,
} from './provider/oidc-test-provider.js';
export type { ProviderEndpoint, ProviderRequest } from './provider/endpoints.js';
export type { ProviderErrorCode, ProviderFault } from './provider/faults.js';

// A store's tests
export { sessionStoreContract, type ContractCase, type SessionStoreHarness } from './session-store-contract.js';
export type {
  FoundSession,
  LockResult,
  LockSuccessor,
  ReplaceResult,
  SessionStore,
  StoredSession,
} from '../store/session-store.js';
