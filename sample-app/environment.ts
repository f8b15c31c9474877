import { randomBytes } from 'node:crypto';

/** The client that is registered at the provider. */
export interface ProviderClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What the environment variables say, checked. Durations are seconds. */
export interface Environment {
  readonly port: number;
  readonly baseUrl: string;
  /** `undefined`: start the embedded provider. */
  readonly client: ProviderClient | undefined;
  readonly scope: string | undefined;
  /** Newest first. */
  readonly secrets: readonly string[];
  /** Nobody set a secret: a random one, which ends with the process, stands in. */
  readonly secretIsTemporary: boolean;
  readonly redisUrl: string | undefined;
  readonly refreshLeeway: number | undefined;
  readonly sessionIdleTimeout: number | undefined;
  readonly resourceUrl: string | undefined;
  readonly trustProxy: boolean;
  readonly demo: DemoSettings;
}

/** What makes the module easier to watch at work. */
export interface DemoSettings {
  /** How many processes `npm run sample:cluster` starts. */
  readonly processes: number;
  /** Lifetime of the embedded provider's access tokens. */
  readonly tokenLifetime: number;
  /** How long the embedded provider takes for a token request, as one across a network does. Milliseconds. */
  readonly providerDelayMs: number;
}

/** The app cannot start like this. One line, in the names of the variables. */
export class EnvironmentError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.name = new.target.name;
  }
}

const MIN_SECRET_LENGTH = 32;
const DEFAULT_PORT = 3000;
const DEFAULT_DEMO: DemoSettings = { processes: 3, tokenLifetime: 60, providerDelayMs: 150 };

/** @throws EnvironmentError naming every variable that cannot be used */
export function readEnvironment(variables: NodeJS.ProcessEnv): Environment {
  const reader = new VariableReader(variables);
  const production = reader.text('NODE_ENV') === 'production';
  const port = reader.integer('PORT', 1, 65_535) ?? DEFAULT_PORT;
  const secrets = readSecrets(reader);
  const environment: Environment = {
    port,
    baseUrl: readBaseUrl(reader, production) ?? `http://localhost:${port}`,
    client: readClient(reader, production),
    scope: readScope(reader),
    secrets: secrets ?? [randomBytes(32).toString('base64url')],
    secretIsTemporary: secrets === undefined,
    redisUrl: readRedisUrl(reader),
    refreshLeeway: reader.integer('REFRESH_LEEWAY', 0, 3600),
    sessionIdleTimeout: reader.integer('SESSION_IDLE_TIMEOUT', 1, 604_800),
    resourceUrl: reader.url('RESOURCE_URL', ['https:', 'http:'])?.text,
    trustProxy: reader.flag('TRUST_PROXY'),
    demo: {
      processes: reader.integer('DEMO_PROCESSES', 1, 16) ?? DEFAULT_DEMO.processes,
      tokenLifetime: reader.integer('DEMO_TOKEN_LIFETIME', 5, 3600) ?? DEFAULT_DEMO.tokenLifetime,
      providerDelayMs: reader.integer('DEMO_PROVIDER_DELAY', 0, 5000) ?? DEFAULT_DEMO.providerDelayMs,
    },
  };
  if (reader.problems.length > 0) throw new EnvironmentError(reader.problems);
  return environment;
}

function readBaseUrl(reader: VariableReader, production: boolean): string | undefined {
  const base = reader.url('BASE_URL', ['https:', 'http:']);
  if (!base) {
    if (production && !reader.text('BASE_URL')) {
      reader.problem('BASE_URL', 'is missing; when NODE_ENV is production it must be the https origin of this app');
    }
    return undefined;
  }
  if (base.url.origin !== base.text) {
    reader.problem('BASE_URL', 'must be an origin such as https://app.example.com, without a path or trailing slash');
  }
  requireSafeScheme(reader, 'BASE_URL', base.url, production);
  return base.text;
}

function readClient(reader: VariableReader, production: boolean): ProviderClient | undefined {
  const issuer = reader.url('OIDC_ISSUER', ['https:', 'http:']);
  const clientId = reader.text('OIDC_CLIENT_ID');
  const clientSecret = reader.text('OIDC_CLIENT_SECRET');
  if (!reader.text('OIDC_ISSUER')) {
    // With a misspelled OIDC_ISSUER, users whose passwords everybody knows must not be let in.
    if (clientId) reader.problem('OIDC_CLIENT_ID', 'is set, but OIDC_ISSUER is not; set both, or neither');
    if (clientSecret) reader.problem('OIDC_CLIENT_SECRET', 'is set, but OIDC_ISSUER is not; set both, or neither');
    if (production) {
      reader.problem(
        'OIDC_ISSUER',
        'is missing; the embedded provider is for demonstration only and does not start when NODE_ENV is production; ' +
          'set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET',
      );
    }
    return undefined;
  }
  if (!clientId) reader.problem('OIDC_CLIENT_ID', 'is missing; set it to the client registered at OIDC_ISSUER');
  if (!clientSecret) reader.problem('OIDC_CLIENT_SECRET', 'is missing; set it to the secret of OIDC_CLIENT_ID');
  if (issuer) requireSafeScheme(reader, 'OIDC_ISSUER', issuer.url, production);
  return { issuer: issuer?.text ?? '', clientId: clientId ?? '', clientSecret: clientSecret ?? '' };
}

/** What the URL parser lets pass and node-redis does not, or takes for something else than was meant. */
function readRedisUrl(reader: VariableReader): string | undefined {
  const redis = reader.url('REDIS_URL', ['redis:', 'rediss:']);
  if (!redis) return undefined;
  const { hostname, pathname, username, password } = redis.url;
  if (hostname === '' || !/^(?:\/\d*)?$/u.test(pathname) || !isEncoded(`${username}${password}`)) {
    reader.problem('REDIS_URL', 'must be a URL such as redis://user:password@redis.example.com:6379/0');
  }
  return redis.text;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function readScope(reader: VariableReader): string | undefined {
  const scope = reader.text('OIDC_SCOPE');
  if (scope !== undefined && !scope.split(' ').includes('openid')) {
    reader.problem('OIDC_SCOPE', 'must contain openid, e.g. "openid profile email offline_access"');
  }
  return scope;
}

function readSecrets(reader: VariableReader): readonly string[] | undefined {
  const secrets = reader
    .text('SESSION_SECRET')
    ?.split(',')
    .map((secret) => secret.trim());
  if (secrets?.some((secret) => secret.length < MIN_SECRET_LENGTH)) {
    reader.problem(
      'SESSION_SECRET',
      `must have ${MIN_SECRET_LENGTH} characters or more, in each part of a list; use e.g. "openssl rand -base64 48"`,
    );
  }
  return secrets;
}

function requireSafeScheme(reader: VariableReader, name: string, url: URL, production: boolean): void {
  if (url.protocol === 'https:') return;
  if (production) return reader.problem(name, 'must be https when NODE_ENV is production');
  if (!isLoopback(url.hostname)) reader.problem(name, 'must be https, unless it is a loopback address');
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|\[::1\]|127\.[\d.]+)$/u.test(hostname);
}

/** Reads variables and writes down what is wrong with them. Values are never repeated: some are secret. */
class VariableReader {
  readonly problems: string[] = [];

  constructor(private readonly variables: NodeJS.ProcessEnv) {}

  problem(name: string, text: string): void {
    this.problems.push(`${name} ${text}`);
  }

  /** An empty variable is as good as none: that is how compose files leave one out. */
  text(name: string): string | undefined {
    return this.variables[name]?.trim() || undefined;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d+$/u.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.problem(name, `must be a whole number from ${min} to ${max}`);
    return undefined;
  }

  flag(name: string): boolean {
    const text = this.text(name);
    if (text !== undefined && text !== '0' && text !== '1') this.problem(name, 'must be 0 or 1');
    return text === '1';
  }

  url(name: string, protocols: readonly string[]): { readonly text: string; readonly url: URL } | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return { text, url: new URL(text) };
    this.problem(name, `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
    return undefined;
  }
}
