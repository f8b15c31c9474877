import { systemClock, type Clock } from '../common/clock.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { Findings } from './findings.js';
import { NoReplyError, probe, type Reply } from './probe.js';

/** Addresses of the running application, as browsers see them. */
export interface AppAddresses {
  readonly login: URL;
  readonly redirectUri: URL;
}

/** What a browser says that opens a page. */
const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

/** What the callback says when cookie or query did not arrive, and where they got lost. */
const LOST: Readonly<Record<string, readonly [text: string, cure: string]>> = {
  transaction_missing: [
    'the cookie of the login does not come back to the application',
    'Let the proxy pass on the request header Cookie, unchanged; and all instances need the same SESSION_SECRET.',
  ],
  transaction_invalid: [
    'the application cannot read the cookie that it has just set',
    'Give all instances the same SESSION_SECRET; and let the proxy leave cookies as they are.',
  ],
  state_missing: [
    'the query of the callback does not arrive',
    'Let the proxy pass on the path and the query unchanged.',
  ],
};

/** What the doctor asks the application itself, through every proxy before it: the beginning and the end of a login. */
export class AppChecks {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly addresses: AppAddresses,
    private readonly findings: Findings,
    private readonly clock: Clock = systemClock,
  ) {}

  /** @param authorizationEndpoint where the login must lead to, if it is known */
  async run(authorizationEndpoint: string | undefined): Promise<void> {
    const reply = await this.openLogin();
    if (reply && this.checkDestination(reply, authorizationEndpoint)) {
      this.checkRedirectUri(reply);
      const cookie = this.checkCookie(reply);
      const state = reply.location?.searchParams.get('state');
      if (cookie && state) await this.checkWayBack(cookie, state);
    }
    const { login } = this.addresses;
    if (login.protocol === 'https:' && login.port === '') await this.checkPlainHttp(new URL(`http://${login.host}/`));
  }

  private async openLogin(): Promise<Reply | undefined> {
    const { login } = this.addresses;
    try {
      return await probe(this.clock, login, NAVIGATION);
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      const text = `${login.origin} does not answer (${error.reason})`;
      const isLocal = login.protocol === 'http:'; // plain http is accepted on a loopback address only
      if (error.isAbsence && isLocal) {
        this.findings.note('application', text, 'Start the application to have its cookies and its address checked.');
      } else if (error.isAbsence) {
        this.findings.fault('application', text, 'Start the application and its proxy, or correct BASE_URL.');
      } else {
        const cure = 'Give it a certificate for this host that browsers trust, or correct BASE_URL.';
        this.findings.fault('application', text, cure);
      }
      return undefined;
    }
  }

  /** Whether the login route was reached and leads to the provider. */
  private checkDestination({ status, location }: Reply, authorizationEndpoint: string | undefined): boolean {
    const { href } = this.addresses.login;
    const subject = 'login route';
    const wanted = authorizationEndpoint === undefined ? undefined : new URL(authorizationEndpoint);
    if (location && (!wanted || (location.origin === wanted.origin && location.pathname === wanted.pathname))) {
      this.findings.ok(subject, `${href} leads to the provider`);
      return true;
    }
    if (location) {
      const to = location.origin + location.pathname;
      const cure =
        location.host === this.addresses.login.host
          ? 'Set BASE_URL to the address at which the application really answers, https and path included.'
          : 'Point the application at the same OIDC_ISSUER; and let the proxy leave the header Location as it is.';
      this.findings.fault(subject, `${href} redirects to ${to}, which is not the provider`, cure);
    } else {
      this.findings.fault(subject, `${href} answers ${status} and no redirect`, cureOfStatus(status));
    }
    return false;
  }

  private checkRedirectUri({ location }: Reply): void {
    const sent = location?.searchParams.get('redirect_uri');
    const { href } = this.addresses.redirectUri;
    const subject = 'callback route';
    // Pushed authorization requests show nothing of it (RFC 9126).
    if (!sent) return this.findings.note(subject, 'the redirect URI is not to be seen in the authorization request');
    if (sent === href) return this.findings.ok(subject, `the application sends the redirect URI ${href}`);
    const cure = 'Start the application with this BASE_URL; for a global prefix or other routes give --callback-path.';
    this.findings.fault(subject, `the application sends the redirect URI ${sent}, not ${href}`, cure);
  }

  /** The cookie of the login as a browser would send it back; `undefined` when a browser would not have it. */
  private checkCookie({ setCookies }: Reply): string | undefined {
    const { secure } = this.options.base;
    const subject = 'cookies';
    const prefix = secure ? '__Host-oidc.tx.' : 'oidc.tx.';
    const cookie = setCookies.find((line) => line.startsWith(prefix) && !/; *max-age=0/iu.test(line));
    if (cookie === undefined) {
      const others = setCookies.some((line) => line.includes('oidc.tx.'));
      const [text, cure] = others
        ? [
            `the cookie of the login is not named ${prefix}…`,
            'Start the application with this BASE_URL: https, or not.',
          ]
        : ['the answer of the login has no cookie', 'Let the proxy (or CDN) pass on the response header Set-Cookie.'];
      this.findings.fault(subject, text, cure);
      return undefined;
    }
    const changed = changesOf(cookie, secure);
    if (changed.length > 0) {
      const cure =
        'Let the proxy leave the header Set-Cookie as it is (nginx: no proxy_cookie_path, _domain or _flags).';
      this.findings.fault(subject, `the cookie of the login arrives changed: ${changed.join(', ')}`, cure);
      return undefined;
    }
    this.findings.ok(subject, `arrive as they were set${secure ? ': __Host-, Secure, for this host only' : ''}`);
    return cookie.split(';', 1)[0];
  }

  /** Answers the application as a provider does whose user has changed his mind: the login ends, and nobody is logged in. */
  private async checkWayBack(cookie: string, state: string): Promise<void> {
    const url = new URL(this.addresses.redirectUri);
    url.search = new URLSearchParams({ error: 'access_denied', state, iss: this.options.issuer }).toString();
    const subject = 'way back';
    try {
      const reply = await probe(this.clock, url, { accept: 'application/json', cookie });
      const code = errorCodeOf(reply);
      const lost = LOST[code ?? ''];
      if (lost) return this.findings.fault(subject, ...lost);
      if (code === 'op_error') return this.findings.ok(subject, 'cookie and query arrive at the callback route');
      if (code === undefined) {
        const text = `${url.origin}${url.pathname} answers ${reply.status}, and not as the library does`;
        const cure = 'Let the proxy pass this path on to the application; for other routes give --callback-path.';
        return this.findings.fault(subject, text, cure);
      }
      this.findings.note(subject, `the callback route answers ${code}`, 'Its log has more.');
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      this.findings.fault(
        subject,
        `${url.origin}${url.pathname} does not answer (${error.reason})`,
        'Look into the log of the proxy.',
      );
    }
  }

  /** Whoever types the address without https must not be served, or their cookies travel in the open. */
  async checkPlainHttp(url: URL): Promise<void> {
    const subject = 'plain http';
    try {
      const { status, location } = await probe(this.clock, url, NAVIGATION);
      if (location?.protocol === 'https:') return this.findings.ok(subject, 'is redirected to https');
      const cure = 'Let the proxy redirect every http request to https, and send Strict-Transport-Security.';
      this.findings.fault(subject, `${url.origin} answers ${status} instead of a redirect to https`, cure);
    } catch (error) {
      if (!(error instanceof NoReplyError)) throw error;
      this.findings.ok(subject, 'is not answered');
    }
  }
}

/** In what the cookie differs from what the library sets. */
function changesOf(cookie: string, secure: boolean): string[] {
  const attributes = new Set(
    cookie
      .split(';')
      .slice(1)
      .map((attribute) => attribute.trim().toLowerCase()),
  );
  const wanted = ['path=/', 'httponly', 'samesite=lax', ...(secure ? ['secure'] : [])];
  const missing = wanted.filter((attribute) => !attributes.has(attribute)).map((attribute) => `no ${attribute}`);
  const domain = [...attributes].find((attribute) => attribute.startsWith('domain='));
  return domain === undefined ? missing : [...missing, domain];
}

function cureOfStatus(status: number): string {
  if (status === 404)
    return 'Give --login-path if the route is elsewhere, e.g. behind a global prefix; or correct the proxy.';
  if (status === 502 || status === 504) return 'Start the application: its proxy does not reach it.';
  if (status >= 500) return 'Look into the log of the application: it does not reach the provider or its store.';
  return 'Let the proxy pass this path on to the application; another one seems to answer.';
}

/** Only our own words: the body may be anybody's. */
function errorCodeOf({ body }: Reply): string | undefined {
  try {
    const { error } = JSON.parse(body) as { readonly error?: unknown };
    return typeof error === 'string' && /^[a-z_]{1,40}$/u.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}
