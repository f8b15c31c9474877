import { deepFreeze, STANDARD_CLAIMS } from '../common/claims.js';
import { OidcConfigurationError } from '../common/errors.js';
import { noTelemetry, type Telemetry } from '../common/telemetry.js';
import { readClientAuthentication, readSecrets, SIGNING_ALGORITHMS } from './client-options.js';
import { isProduction } from './environment.js';
import { localPath } from './local-path.js';
import type { ForwardedParameter, OidcModuleExtras, OidcOptions } from './oidc-options.js';
import { OptionReader } from './option-reader.js';
import { RESERVED_PARAMETERS } from './reserved-parameters.js';
import type { PublicBase, ResolvedOptions, ResolvedRoutes } from './resolved-options.js';
import { ROUTE_NAMES } from './routes.js';
import { readSession } from './session-options.js';

const DAY = 86_400;

const FORWARDABLE: readonly ForwardedParameter[] = [
  'login_hint',
  'ui_locales',
  'prompt',
  'acr_values',
  'display',
  'screen_hint',
];

/** What browsers and proxies send by themselves, or let every page send (Fetch, CORS-safelisted): it proves nothing. */
const SENT_UNASKED = new RegExp(
  `^(?:${[
    '(?:accept|access-control|content|cookie|if|proxy|sec|upgrade|viewport|x-forwarded)(?:-.*)?',
    'authorization|cache-control|connection|date|device-memory|dnt|downlink|dpr|ect|expect|forwarded|host|keep-alive',
    'last-event-id|origin|pragma|priority|purpose|range|referer|rtt|save-data|te|trailer|transfer-encoding|user-agent',
    'via|width|x-moz|x-real-ip|x-request-id',
  ].join('|')})$`,
  'u',
);

/**
 * Checks the options and fills in the defaults: the one step for `forRoot` and `forRootAsync`.
 *
 * @throws OidcConfigurationError naming every problem and its cure
 */
export function resolveOptions(options: OidcOptions, routes: ResolvedRoutes): ResolvedOptions {
  const problems: string[] = [];
  const reader = new OptionReader(options, problems);
  const allowInsecure = readAllowInsecure(reader);
  const base = readBase(reader, allowInsecure);
  const provider = readProvider(reader.nested('provider'));
  const resolved: ResolvedOptions = {
    issuer: readIssuer(reader, allowInsecure),
    clientId: reader.requiredString('clientId', 'use the id that the provider gave to this client'),
    ...readClientAuthentication(reader),
    base,
    secrets: readSecrets(reader),
    allowInsecure,
    allowedOrigins: readOrigins(reader),
    csrfHeader: readCsrfHeader(reader),
    publicClaims: reader.strings('publicClaims', STANDARD_CLAIMS),
    mapClaims: reader.callback('mapClaims'),
    onEvent: reader.callback('onEvent'),
    telemetry: readTelemetry(reader),
    login: readLogin(reader.nested('login'), routes),
    idToken: readIdToken(reader.nested('idToken')),
    session: readSession(reader.nested('session'), base),
    refresh: readRefresh(reader.nested('refresh'), provider),
    logout: readLogout(reader.nested('logout'), routes),
    provider,
    authorization: readAuthorization(reader.nested('authorization')),
    routes,
  };
  refuseMisplacedExtras(reader);
  reader.refuseUnknownKeys();
  checkRoutes(routes, problems);
  if (problems.length > 0) throw new OidcConfigurationError(problems);
  return freezeResolved(resolved);
}

/** Stores, listeners and callbacks belong to the application: everything else is frozen. */
function freezeResolved(resolved: ResolvedOptions): ResolvedOptions {
  deepFreeze(resolved.session.cookie);
  Object.freeze(resolved.session);
  for (const [name, value] of Object.entries(resolved)) {
    if (name !== 'session' && name !== 'telemetry') deepFreeze(value);
  }
  return Object.freeze(resolved);
}

function readAllowInsecure(reader: OptionReader): boolean {
  const allowInsecure = reader.boolean('allowInsecure', false);
  if (allowInsecure && isProduction()) {
    reader.problem('allowInsecure', 'is refused when NODE_ENV is production; use https and remove it');
  }
  return allowInsecure;
}

function readIssuer(reader: OptionReader, allowInsecure: boolean): string {
  const url = reader.url('issuer', 'use the issuer of the provider, e.g. https://login.example.com');
  if (!url) return '';
  checkScheme(reader, 'issuer', url, allowInsecure);
  if (url.pathname.includes('/.well-known/')) {
    reader.problem('issuer', 'must be the issuer itself, without /.well-known/…, or its identity cannot be checked');
  }
  return reader.raw('issuer') as string;
}

function readBase(reader: OptionReader, allowInsecure: boolean): PublicBase {
  const url = reader.url(
    'baseUrl',
    'use the address of this application as browsers see it, e.g. https://app.example.com',
  );
  if (!url) return { origin: '', path: '', secure: true };
  checkScheme(reader, 'baseUrl', url, allowInsecure);
  return { origin: url.origin, path: url.pathname.replace(/\/+$/u, ''), secure: url.protocol === 'https:' };
}

function checkScheme(reader: OptionReader, name: string, url: URL, allowInsecure: boolean): void {
  if (url.protocol === 'https:') return;
  if (url.protocol !== 'http:') return reader.problem(name, 'must start with https:');
  if (!isLoopback(url.hostname)) return reader.problem(name, 'must be https: unless it is a loopback address');
  if (!allowInsecure)
    reader.problem(name, 'must be https:; for development on a loopback address set allowInsecure: true');
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/u.test(hostname)
  );
}

function readOrigins(reader: OptionReader): readonly string[] {
  const origins = reader.strings('allowedOrigins', []);
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      reader.problem('allowedOrigins', 'must hold origins such as https://admin.example.com, without a path');
    }
  }
  return origins;
}

function readCsrfHeader(reader: OptionReader): string | undefined {
  const name = reader.string('csrfHeader')?.toLowerCase();
  if (name !== undefined && (!/^[\w!#$%&'*+.^`|~-]+$/u.test(name) || SENT_UNASKED.test(name))) {
    reader.problem('csrfHeader', 'must be the name of a header that nobody but your own scripts sends, e.g. X-CSRF');
  }
  return name;
}

function readLogin(reader: OptionReader, routes: ResolvedRoutes): ResolvedOptions['login'] {
  const login: ResolvedOptions['login'] = {
    scope: reader.string('scope') ?? 'openid profile email offline_access',
    authorizationParams: reader.stringRecord('authorizationParams'),
    forwardParams: reader.strings('forwardParams', []) as readonly ForwardedParameter[],
    maxAge: reader.optionalSeconds('maxAge', 0, 365 * DAY),
    lifetime: reader.seconds('lifetime', { min: 60, max: 1800, fallback: 600 }),
    defaultReturnTo: readPath(reader, 'defaultReturnTo', '/'),
    callbackPath: readPath(reader, 'callbackPath', '/auth/callback'),
    userinfo: reader.boolean('userinfo', false),
    pushedRequests: reader.boolean('pushedRequests', false),
  };
  if (routes.callback !== false && reader.raw('callbackPath') !== undefined) {
    reader.problem(
      'callbackPath',
      'is for applications that set routes.callback to false; set routes.callback instead',
    );
  }
  if (!login.scope.split(' ').includes('openid')) reader.problem('scope', 'must contain openid');
  const clashes = Object.keys(login.authorizationParams).filter((name) => RESERVED_PARAMETERS.has(name));
  if (clashes.length > 0) {
    reader.problem('authorizationParams', `must not set ${clashes.join(', ')}; the library sets them or has an option`);
  }
  const unknown = login.forwardParams.filter((name) => !FORWARDABLE.includes(name));
  if (unknown.length > 0) reader.problem('forwardParams', `may only hold ${FORWARDABLE.join(', ')}`);
  const twice = login.forwardParams.filter((name) => Object.hasOwn(login.authorizationParams, name));
  if (twice.length > 0) reader.problem('forwardParams', `${twice.join(', ')} is already set by authorizationParams`);
  reader.refuseUnknownKeys();
  return login;
}

function readPath(reader: OptionReader, name: string, fallback: string): string {
  const path = localPath(reader.string(name) ?? fallback);
  if (path === undefined) reader.problem(name, 'must be a path of this application, e.g. /welcome');
  return path ?? fallback;
}

function readIdToken(reader: OptionReader): ResolvedOptions['idToken'] {
  const idToken = {
    signingAlgorithms: reader.strings('signingAlgorithms', ['RS256']),
    trustedAudiences: reader.strings('trustedAudiences', []),
    clockTolerance: reader.seconds('clockTolerance', { min: 0, max: 60, fallback: 30 }),
  };
  const unknown = idToken.signingAlgorithms.filter((name) => !SIGNING_ALGORITHMS.includes(name));
  if (unknown.length > 0 || idToken.signingAlgorithms.length === 0) {
    reader.problem('signingAlgorithms', `may only hold ${SIGNING_ALGORITHMS.join(', ')}, at least one of them`);
  }
  reader.refuseUnknownKeys();
  return idToken;
}

function readRefresh(reader: OptionReader, { timeout }: ResolvedOptions['provider']): ResolvedOptions['refresh'] {
  const refresh = {
    leeway: reader.seconds('leeway', { min: 0, max: 3600, fallback: 300 }),
    waitTimeout: reader.seconds('waitTimeout', { min: 1, max: 60, fallback: 10 }),
    lease: reader.seconds('lease', { min: timeout + 5, max: 300, fallback: timeout + 30 }),
    background: reader.boolean('background', true),
  };
  reader.refuseUnknownKeys();
  return refresh;
}

function readLogout(reader: OptionReader, routes: ResolvedRoutes): ResolvedOptions['logout'] {
  const logout = {
    provider: reader.boolean('provider', true),
    revokeTokens: reader.boolean('revokeTokens', true),
    returnTo: readPath(reader, 'returnTo', '/'),
    clearSiteData: reader.someOf('clearSiteData', ['cache', 'storage']),
  };
  if (logout.returnTo === routes.postLogout) {
    reader.problem('returnTo', 'is the same path as routes.postLogout, which would redirect to itself');
  }
  reader.refuseUnknownKeys();
  return logout;
}

function readProvider(reader: OptionReader): ResolvedOptions['provider'] {
  const provider = {
    timeout: reader.seconds('timeout', { min: 1, max: 30, fallback: 10 }),
    metadataLifetime: reader.seconds('metadataLifetime', { min: 60, max: DAY, fallback: DAY }),
    keysLifetime: reader.seconds('keysLifetime', { min: 60, max: 600, fallback: 600 }),
    allowedHosts: readAllowedHosts(reader),
  };
  reader.refuseUnknownKeys();
  return provider;
}

const ANY_HOST: readonly string[] = [];

function readAllowedHosts(reader: OptionReader): readonly string[] | undefined {
  const hosts = reader.strings('allowedHosts', ANY_HOST);
  if (hosts === ANY_HOST) return undefined;
  if (hosts.length === 0 || !hosts.every(isHost)) {
    reader.problem('allowedHosts', 'must hold hosts such as login.example.com or login.example.com:8443, at least one');
  }
  return hosts;
}

/** As URLs name them: in lower case, in ASCII, without the usual port. To URLs an asterisk is a letter like any other. */
function isHost(host: string): boolean {
  return !host.includes('*') && URL.canParse(`https://${host}`) && new URL(`https://${host}`).host === host;
}

function readTelemetry(reader: OptionReader): Telemetry {
  const telemetry = reader.raw('telemetry') as Partial<Telemetry> | null | undefined;
  if (telemetry === undefined) return noTelemetry;
  if (typeof telemetry?.count !== 'function' || typeof telemetry.measure !== 'function') {
    reader.problem('telemetry', 'must be a Telemetry, e.g. new OpenTelemetry() of nest-oidc/opentelemetry');
  }
  return telemetry as Telemetry;
}

function readAuthorization(reader: OptionReader): ResolvedOptions['authorization'] {
  const value = reader.raw('rolesClaim') ?? 'roles';
  const names: readonly unknown[] = Array.isArray(value) ? [...value] : String(value).split('.');
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name !== '')) {
    reader.problem('rolesClaim', 'must be a claim, or names that lead to one, e.g. realm_access.roles');
  } else if (!Array.isArray(value) && (typeof value !== 'string' || value.includes('/'))) {
    reader.problem('rolesClaim', "must be a list for a name with slashes, e.g. ['https://example.com/roles']");
  }
  reader.refuseUnknownKeys();
  return { rolesClaim: names as readonly string[] };
}

/** What is given beside the options: Nest must know it before any factory runs. */
export const MODULE_EXTRAS: readonly string[] = [
  'global',
  'globalGuard',
  'routes',
] satisfies readonly (keyof OidcModuleExtras)[];

function refuseMisplacedExtras(reader: OptionReader): void {
  for (const name of MODULE_EXTRAS) {
    if (reader.raw(name) !== undefined) {
      reader.problem(name, 'belongs beside useFactory, useClass or useExisting: Nest needs it before they run');
    }
  }
}

function checkRoutes(routes: ResolvedRoutes, problems: string[]): void {
  const reader = new OptionReader(routes, problems, 'routes');
  const taken = new Map<string, string>();
  for (const name of ROUTE_NAMES) {
    const path = reader.raw(name);
    if (path === false) continue;
    if (typeof path !== 'string' || localPath(path) !== path || /[?#:*(){}[\]+!]/u.test(path) || path === '/') {
      reader.problem(name, 'must be a path such as /auth/login, without parameters, or false');
      continue;
    }
    const other = taken.get(path);
    if (other) reader.problem(name, `is the same path as routes.${other}`);
    taken.set(path, name);
  }
  reader.refuseUnknownKeys();
}
