import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, ModulesContainer } from '@nestjs/core';
import { AuthorizationGuard } from './authorization/authorization.guard.js';
import { Authorizer } from './authorization/authorizer.js';
import { CLOCK, systemClock, type Clock } from './common/clock.js';
import { EVENT_LISTENER, EventLog, type OidcEventListener } from './common/events.js';
import { OidcCounters } from './common/oidc-counters.js';
import { TELEMETRY, type Telemetry } from './common/telemetry.js';
import { AuthGuard } from './http/auth.guard.js';
import { AuthService } from './http/auth.service.js';
import { Cookies } from './http/cookies.js';
import { OidcExceptionFilter } from './http/oidc-exception.filter.js';
import { OriginCheck } from './http/origin-check.js';
import { Platform } from './http/platform.js';
import { RequestAuthenticator } from './http/request-authenticator.js';
import { Responder } from './http/responder.js';
import { RouteAccess } from './http/route-access.js';
import { SocketSessions } from './http/socket-sessions.js';
import { AuthorizationRequests } from './login/authorization-request.js';
import { CallbackService } from './login/callback.service.js';
import { LoginService } from './login/login.service.js';
import { ReturnTo } from './login/return-to.js';
import { SessionOpener } from './login/session-opener.js';
import { LogoutService } from './logout/logout.service.js';
import { ProviderLogoutService } from './logout/provider-logout.service.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, RESOLVED_ROUTES } from './oidc.module-definition.js';
import { oidcOptionsFromEnv, type OidcEnvOverrides } from './options/environment-options.js';
import { isProduction, processEnvironment } from './options/environment.js';
import type { OidcModuleExtras, OidcOptions } from './options/oidc-options.js';
import { PublicUrls } from './options/public-urls.js';
import { importedWithoutOptions, requireRegisteredOnce } from './options/registered-once.js';
import { resolveOptions } from './options/resolve-options.js';
import { RESOLVED_OPTIONS, type ResolvedOptions, type ResolvedRoutes } from './options/resolved-options.js';
import { OidcHealth } from './operations/oidc-health.js';
import { IdTokenValidator } from './provider/id-token.js';
import { LogoutTokenValidator } from './provider/logout-token.js';
import { ProviderKeys } from './provider/provider-keys.js';
import { ProviderMetadata } from './provider/provider-metadata.js';
import { ProviderService } from './provider/provider.service.js';
import { Revocations } from './provider/revocations.js';
import { LogoutNotes } from './session/logout-notes.js';
import { SessionDirectory } from './session/session-directory.js';
import { SessionRepository } from './session/session-repository.js';
import { SessionService } from './session/session.service.js';
import { SessionWatch } from './session/session-watch.js';
import { MemorySessionStore } from './store/memory-session-store.js';
import { SESSION_STORE, type SessionStore } from './store/session-store.js';
import { TokenRefresher } from './token/token-refresher.js';
import { TokenService } from './token/token.service.js';

const providers: Provider[] = [
  { provide: CLOCK, useValue: systemClock },
  // A registration puts its own in the place of this one.
  {
    provide: MODULE_OPTIONS_TOKEN,
    useFactory: (): never => {
      throw importedWithoutOptions(OidcModule.name);
    },
  },
  {
    provide: RESOLVED_OPTIONS,
    inject: [MODULE_OPTIONS_TOKEN, { token: RESOLVED_ROUTES, optional: true }],
    useFactory: (options: OidcOptions, routes: ResolvedRoutes): ResolvedOptions => resolveOptions(options, routes),
  },
  {
    provide: EVENT_LISTENER,
    inject: [RESOLVED_OPTIONS],
    useFactory: (options: ResolvedOptions): OidcEventListener | undefined => options.onEvent,
  },
  {
    provide: TELEMETRY,
    inject: [RESOLVED_OPTIONS],
    useFactory: (options: ResolvedOptions): Telemetry => options.telemetry,
  },
  OidcCounters,
  EventLog,
  {
    provide: SESSION_STORE,
    inject: [RESOLVED_OPTIONS, CLOCK, EventLog],
    useFactory: (options: ResolvedOptions, clock: Clock, events: EventLog): SessionStore =>
      options.session.store ?? memoryStore(clock, events),
  },
  // provider
  ProviderMetadata,
  ProviderKeys,
  IdTokenValidator,
  LogoutTokenValidator,
  ProviderService,
  Revocations,
  // session and token
  SessionRepository,
  SessionDirectory,
  LogoutNotes,
  SessionService,
  SessionWatch,
  TokenRefresher,
  TokenService,
  // login and logout
  PublicUrls,
  AuthorizationRequests,
  ReturnTo,
  LoginService,
  SessionOpener,
  CallbackService,
  LogoutService,
  ProviderLogoutService,
  // http
  Platform,
  Cookies,
  Responder,
  OriginCheck,
  RouteAccess,
  RequestAuthenticator,
  SocketSessions,
  AuthService,
  AuthGuard,
  // authorization
  Authorizer,
  AuthorizationGuard,
  // operations
  OidcHealth,
  // errors
  OidcExceptionFilter,
  { provide: APP_FILTER, useExisting: OidcExceptionFilter },
];

function memoryStore(clock: Clock, events: EventLog): SessionStore {
  if (isProduction()) events.emit({ name: 'store.memory_in_production' });
  return new MemorySessionStore(
    { onEvict: () => events.emitChange('memory store', { name: 'store.evicting' }) },
    clock,
  );
}

/**
 * OpenID Connect login for a NestJS application: an auth controller, a global {@link AuthGuard}, {@link TokenService},
 * {@link SessionService}, and the store behind {@link SESSION_STORE}.
 */
@Module({
  providers,
  exports: [
    SESSION_STORE,
    SessionService,
    SessionWatch,
    TokenService,
    OidcCounters,
    AuthService,
    AuthGuard,
    RequestAuthenticator,
    RouteAccess,
    SocketSessions,
    Authorizer,
    AuthorizationGuard,
    OidcHealth,
    OidcExceptionFilter,
  ],
})
export class OidcModule extends ConfigurableModuleClass implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Registers the module with these options. @throws OidcConfigurationError when there are none at all, as in plain JavaScript */
  static override forRoot(options: OidcOptions & OidcModuleExtras): DynamicModule {
    if (!options) throw importedWithoutOptions(OidcModule.name);
    return super.forRoot(options);
  }

  /**
   * Registers the module with options from the environment, which is read when the application starts: `OIDC_ISSUER`,
   * `OIDC_CLIENT_ID` and `OIDC_CLIENT_SECRET` are enough outside production. What the code decides is given here, and counts
   * before the environment. A variable that cannot be used stops the start; the error names all of them.
   */
  static forEnv(overrides: OidcEnvOverrides = {}): DynamicModule {
    const { global, globalGuard, routes } = overrides;
    return OidcModule.forRootAsync({
      global,
      globalGuard,
      routes,
      useFactory: () => oidcOptionsFromEnv(processEnvironment(), overrides),
    });
  }

  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(ProviderService) private readonly provider: ProviderService,
    @Inject(TokenRefresher) private readonly refresher: TokenRefresher,
    @Inject(Revocations) private readonly revocations: Revocations,
    @Inject(SessionRepository) private readonly sessions: SessionRepository,
    @Inject(SessionWatch) private readonly watch: SessionWatch,
    @Inject(SESSION_STORE) private readonly store: SessionStore,
  ) {
    super();
    requireRegisteredOnce(OidcModule, RESOLVED_ROUTES, modules);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.provider.warmUp();
  }

  /** After the last request: what was begun for users is finished before the store goes away. */
  async onApplicationShutdown(): Promise<void> {
    this.provider.close();
    this.watch.close();
    await this.refresher.drain();
    await this.revocations.drain();
    await this.sessions.settled();
    await this.store.close?.();
  }
}
