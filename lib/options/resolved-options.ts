import type { Claims } from '../common/claims.js';
import type { OidcEventListener } from '../common/events.js';
import type { Telemetry } from '../common/telemetry.js';
import type { SessionStore } from '../store/session-store.js';
import type { ClientAuthentication, ClientPrivateKey, ForwardedParameter, SiteData } from './oidc-options.js';

/** Injection token of the {@link ResolvedOptions}. */
export const RESOLVED_OPTIONS = Symbol('nest-oidc:resolved-options');

/** The options with every default filled in, checked and frozen. Meanings and units as in `OidcOptions`. */
export interface ResolvedOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly clientAuthentication: ClientAuthentication;
  readonly clientPrivateKey: ClientPrivateKey | undefined;
  readonly base: PublicBase;
  readonly secrets: readonly string[];
  readonly allowInsecure: boolean;
  readonly allowedOrigins: readonly string[];
  /** In lower case, as Node names headers. */
  readonly csrfHeader: string | undefined;
  readonly publicClaims: readonly string[];
  readonly mapClaims: ((claims: Claims) => Claims | Promise<Claims>) | undefined;
  readonly onEvent: OidcEventListener | undefined;
  readonly telemetry: Telemetry;
  readonly login: {
    readonly scope: string;
    readonly authorizationParams: Readonly<Record<string, string>>;
    readonly forwardParams: readonly ForwardedParameter[];
    readonly maxAge: number | undefined;
    readonly lifetime: number;
    readonly defaultReturnTo: string;
    readonly callbackPath: string;
    readonly userinfo: boolean;
    readonly pushedRequests: boolean;
  };
  readonly idToken: {
    readonly signingAlgorithms: readonly string[];
    readonly trustedAudiences: readonly string[];
    readonly clockTolerance: number;
  };
  readonly session: {
    readonly store: SessionStore | undefined;
    readonly idleTimeout: number;
    readonly absoluteLifetime: number;
    readonly maxPerUser: number | undefined;
    readonly recordDevice: boolean;
    readonly cookie: {
      readonly name: string;
      readonly sameSite: 'lax' | 'strict';
      readonly secure: boolean;
      readonly persistent: boolean;
    };
  };
  readonly refresh: {
    readonly leeway: number;
    readonly waitTimeout: number;
    readonly lease: number;
    readonly background: boolean;
  };
  readonly logout: {
    readonly provider: boolean;
    readonly revokeTokens: boolean;
    readonly returnTo: string;
    readonly clearSiteData: readonly SiteData[];
  };
  readonly provider: {
    readonly timeout: number;
    readonly metadataLifetime: number;
    readonly keysLifetime: number;
    readonly allowedHosts: readonly string[] | undefined;
  };
  readonly authorization: {
    /** The names that lead to the roles, from the claims inwards. */
    readonly rolesClaim: readonly string[];
  };
  readonly routes: ResolvedRoutes;
}

/** The public address of the application, taken apart once. */
export interface PublicBase {
  readonly origin: string;
  /** Path under which a proxy publishes the application, without a trailing slash; usually empty. */
  readonly path: string;
  readonly secure: boolean;
}

export interface ResolvedRoutes {
  readonly login: string | false;
  readonly callback: string | false;
  readonly logout: string | false;
  readonly me: string | false;
  readonly backChannelLogout: string | false;
  readonly frontChannelLogout: string | false;
  readonly postLogout: string | false;
}
