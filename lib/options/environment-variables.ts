/** What a variable becomes in the options. */
export interface EnvironmentVariable {
  /** Path of the option, e.g. `refresh.leeway`. */
  readonly option: string;
  /** The option's value, or {@link UNREADABLE}. What it may be is for the options to check. */
  readonly read: (text: string) => unknown;
  /** What the text must look like to be read. */
  readonly form?: string;
}

export const UNREADABLE = Symbol('unreadable');

const text = (option: string): EnvironmentVariable => ({ option, read: (value) => value });

const list = (option: string): EnvironmentVariable => ({ option, read: partsOf });

const seconds = (option: string): EnvironmentVariable => ({
  option,
  read: (value) => (/^\d{1,9}$/u.test(value) ? Number(value) : UNREADABLE),
  form: 'a whole number of seconds, in digits only',
});

/**
 * What may differ from one deployment of an application to the next. What is decided with the code (routes, claims, stores)
 * is no variable.
 */
export const ENVIRONMENT_VARIABLES: Readonly<Record<string, EnvironmentVariable>> = {
  OIDC_ISSUER: text('issuer'),
  OIDC_CLIENT_ID: text('clientId'),
  OIDC_CLIENT_SECRET: text('clientSecret'),
  OIDC_CLIENT_AUTHENTICATION: text('clientAuthentication'),
  OIDC_CLIENT_PRIVATE_KEY: {
    option: 'clientPrivateKey.key',
    read: readPrivateKey,
    form: 'a private key: PKCS#8 in PEM (line breaks may be written as \\n), or a JWK as JSON',
  },
  OIDC_CLIENT_PRIVATE_KEY_ID: text('clientPrivateKey.keyId'),
  OIDC_CLIENT_PRIVATE_KEY_ALGORITHM: text('clientPrivateKey.algorithm'),
  BASE_URL: text('baseUrl'),
  // The newest first. A comma is in no base64.
  SESSION_SECRET: { option: 'secret', read: (value) => (value.includes(',') ? partsOf(value) : value) },
  OIDC_SCOPE: text('login.scope'),
  OIDC_AUDIENCE: text('login.authorizationParams.audience'),
  OIDC_MAX_AGE: seconds('login.maxAge'),
  OIDC_SIGNING_ALGORITHMS: list('idToken.signingAlgorithms'),
  OIDC_TRUSTED_AUDIENCES: list('idToken.trustedAudiences'),
  OIDC_CLOCK_TOLERANCE: seconds('idToken.clockTolerance'),
  OIDC_ALLOWED_ORIGINS: list('allowedOrigins'),
  OIDC_SESSION_IDLE_TIMEOUT: seconds('session.idleTimeout'),
  OIDC_SESSION_ABSOLUTE_LIFETIME: seconds('session.absoluteLifetime'),
  OIDC_REFRESH_LEEWAY: seconds('refresh.leeway'),
  OIDC_PROVIDER_TIMEOUT: seconds('provider.timeout'),
};

function partsOf(value: string): string[] {
  return value.split(',').map((part) => part.trim());
}

function readPrivateKey(value: string): unknown {
  if (!value.startsWith('{')) return value.replaceAll('\\n', '\n');
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return UNREADABLE;
  }
}
