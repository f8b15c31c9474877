// Wiring
export { OidcModule } from './oidc.module.js';
export { oidcOptionsFromEnv, type OidcEnvOverrides } from './options/environment-options.js';
export type {
  AuthorizationOptions,
  AuthRoutes,
  ClientAuthentication,
  ClientPrivateKey,
  ForwardedParameter,
  IdTokenOptions,
  LoginOptions,
  LogoutOptions,
  OidcModuleExtras,
  OidcOptions,
  OidcOptionsFactory,
  ProviderOptions,
  RefreshOptions,
  SessionCookieOptions,
  SessionOptions,
  SiteData,
} from './options/oidc-options.js';

// In controllers
export { AuthGuard } from './http/auth.guard.js';
export { CurrentSession, CurrentUser, OptionalAuth, Public, SkipOriginCheck } from './http/decorators.js';
export { currentSessionIn } from './http/current-session.js';
export { AuthorizationGuard } from './authorization/authorization.guard.js';
export { RequireClaims, RequireScopes, Roles } from './authorization/decorators.js';
export type { ClaimExpectation } from './authorization/requirements.js';
export { STANDARD_CLAIMS, type Claims, type ClaimValue } from './common/claims.js';

// Services
export { AuthService } from './http/auth.service.js';
export type { PlatformRequest, PlatformResponse } from './http/platform.js';
export { SessionService, type RequestWithCookies, type SessionSource } from './session/session.service.js';
export { SessionWatch } from './session/session-watch.js';
export type { Device, Session, SessionSummary } from './session/session.js';
export { TokenService, type AccessTokenOptions, type AccessTokenSet } from './token/token.service.js';

// Stores
export { MemorySessionStore, type MemorySessionStoreOptions } from './store/memory-session-store.js';
export type { Clock, Timer } from './common/clock.js';
export {
  SESSION_STORE,
  type LockResult,
  type LockSuccessor,
  type ReplaceResult,
  type SessionStore,
  type FoundSession,
  type StoredSession,
} from './store/session-store.js';

// Events
export { OidcCounters } from './common/oidc-counters.js';
export type { LoginOrigin, OidcEvent, OidcEventListener, SessionEndCause } from './common/events.js';
export type { Operation, OperationAttributes, OperationName, Telemetry } from './common/telemetry.js';
export { OidcHealth } from './operations/oidc-health.js';
export type { Health } from './common/health.js';

// Errors
export { AccessDeniedError, type DenialReason } from './authorization/access-denied-error.js';
export { RequestInvalidError } from './http/form-body.js';
export { OidcExceptionFilter } from './http/oidc-exception.filter.js';
export {
  CrossOriginRequestError,
  LoginRequiredError,
  NavigationRequiredError,
  OidcConfigurationError,
  OidcError,
  StoreUnavailableError,
  UnsupportedContextError,
  type OidcErrorCode,
  type OidcErrorOptions,
} from './common/errors.js';
export {
  AuthorizationRefusedError,
  CallbackRejectedError,
  LoginRefusedError,
  LoginUnavailableError,
  SubjectChangedError,
} from './login/login-errors.js';
export {
  CodeRefusedError,
  IdTokenInvalidError,
  LogoutTokenInvalidError,
  ProviderFaultError,
  ProviderUnreachableError,
} from './provider/provider-errors.js';
export { RefreshUnavailableError } from './token/token-errors.js';
