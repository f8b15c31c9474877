import type { Chance } from './chance.js';
import { FORM, rawRequest, requestFrom, type Draft, type HostileRequest } from './draft.js';
import {
  BODIES,
  DISGUISES,
  HEADERS,
  MALFORMED,
  METHODS,
  OP_ERRORS,
  ORIGINS,
  PARAMETERS,
  PATHS,
  RETURN_TOS,
} from './hostile-values.js';
import type { Loot, LootedLogin } from './loot.js';

const TOKEN_ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];

/** Makes hostile requests of all kinds. The same seed and loot give the same requests. */
export class HostileRequests {
  private readonly kinds: readonly (readonly [share: number, make: () => HostileRequest])[];

  constructor(
    private readonly chance: Chance,
    private readonly loot: Loot,
    private readonly origin: string,
    private readonly issuer: string,
  ) {
    this.kinds = [
      [14, () => this.finish(this.noise())],
      [14, () => this.finish(this.login())],
      [30, () => this.finish(this.callback())],
      [18, () => this.finish(this.withCookies())],
      [8, () => this.finish(this.logout())],
      [12, () => this.finish(this.backchannelLogout())],
      [4, () => this.malformed()],
    ];
  }

  next(): HostileRequest {
    let at = this.chance.below(100);
    for (const [share, make] of this.kinds) {
      at -= share;
      if (at < 0) return make();
    }
    return this.malformed();
  }

  private noise(): Draft {
    const { chance } = this;
    const target = chance.pick(DISGUISES)(chance.pick(PATHS)) + (chance.of(0.2) ? this.query() : '');
    const draft: Draft = {
      kind: 'noise',
      method: chance.pick(METHODS),
      target: target.replaceAll(/[\p{Cc} ]/gu, '+'),
      headers: this.cookies(),
    };
    if (chance.of(0.5)) {
      draft.body = chance.of(0.7) ? chance.pick(BODIES) : chance.bytes(300);
      draft.isChunked = chance.of(0.3);
    }
    return this.dressed(draft, 6);
  }

  private login(): Draft {
    const { chance } = this;
    const returnTo = chance.of(0.7) ? [`returnTo=${this.encoded(chance.pick(RETURN_TOS))}`] : [];
    const others = this.query().slice(1);
    const draft: Draft = {
      kind: 'login',
      method: chance.of(0.9) ? 'GET' : 'HEAD',
      target: `/auth/login?${[...returnTo, others].join('&')}`,
      headers: this.cookies(),
      isPlain: true,
    };
    return this.dressed(draft, 2);
  }

  /** A real authorization response in which one thing or several are wrong, or none: then it may log in, once. */
  private callback(): Draft {
    const { chance, loot } = this;
    if (loot.logins.length === 0) return this.login();
    const login = chance.pick(loot.logins);
    const params = this.bentResponse(login);
    const cookies = this.bentLoginCookies(login);
    if (chance.of(0.2)) cookies.push(this.sessionCookie());
    const draft: Draft = {
      kind: 'callback',
      method: chance.of(0.95) ? 'GET' : 'HEAD',
      target: `/auth/callback?${params.map((pair) => pair.join('=')).join('&')}`,
      headers: [['Cookie', chance.shuffled(cookies).join('; ')]],
      isPlain: true,
    };
    return this.dressed(draft, chance.of(0.5) ? 0 : 2);
  }

  private bentResponse(login: LootedLogin): [string, string][] {
    const { chance, loot } = this;
    const other = chance.pick(loot.logins);
    const values: [string, string][] = [
      ['code', login.code],
      ['state', login.state],
      ['iss', encodeURIComponent(this.issuer)],
    ];
    const bends: readonly (() => void)[] = [
      () => undefined,
      () => undefined,
      () => (values[0] = ['code', chance.of(0.5) ? other.code : this.encoded(chance.bytes(60))]),
      () => (values[1] = ['state', chance.of(0.5) ? other.state : this.encoded(chance.bytes(60))]),
      () => (values[2] = ['iss', chance.pick(['', this.encoded('https://evil.example'), this.issuer.toUpperCase()])]),
      () => void values.splice(chance.below(3), 1),
      () => values.push(chance.pick(values)),
      () => values.push([chance.pick(PARAMETERS), this.encoded(chance.text(20))]),
      () => (values[0] = ['error', this.encoded(chance.pick(OP_ERRORS))]),
      () => (values[chance.below(3)] = [chance.pick(PARAMETERS), chance.bent(login.state).replaceAll(/[\t é]/gu, '+')]),
      () => values.unshift(...Array.from({ length: 200 }, (): [string, string] => ['a', '1'])),
      () => values.push(['state', login.state]),
    ];
    for (let left = 1 + chance.below(2); left > 0; left -= 1) chance.pick(bends)();
    return values;
  }

  private bentLoginCookies({ cookie: [name, value] }: LootedLogin): string[] {
    const { chance, loot } = this;
    const right = `${name}=${value}`;
    const other = chance.pick(loot.logins).cookie;
    const choices: readonly (() => string[])[] = [
      () => [right],
      () => [right],
      () => [right, `${other[0]}=${other[1]}`],
      () => [],
      () => [`${name}=${other[1]}`],
      () => [`${name}=${this.headerSafe(chance.bent(value))}`],
      () => [right, right],
      () => [`${name}="${value}"`],
      () => [
        right,
        ...Array.from({ length: 30 }, () => `oidc.tx.${chance.text(8, TOKEN_ALPHABET)}=${value.slice(0, 40)}`),
      ],
      () => [right, 'oidc.tx.=', 'oidc.tx.__proto__=x', 'oidc.tx', '=', 'oidc.tx.\u00e9=\u00ff'],
    ];
    return chance.pick(choices)();
  }

  /** What is asked with the cookies of somebody else. */
  private withCookies(): Draft {
    const { chance } = this;
    const path = chance.pick(['/auth/me', '/auth/me', '/profile', '/guarded', '/token', '/maybe', '/notes']);
    const draft: Draft = {
      kind: 'session',
      method: path === '/notes' || (path === '/maybe' && chance.of(0.5)) ? 'POST' : 'GET',
      target: chance.of(0.8) ? path : `${path}${this.query()}`,
      headers: this.cookies(),
      isPlain: true,
    };
    return this.dressed(draft, 3);
  }

  private logout(): Draft {
    const { chance } = this;
    const origin = chance.of(0.3) ? this.origin : chance.pick(ORIGINS);
    const draft: Draft = {
      kind: 'logout',
      method: chance.of(0.9) ? 'POST' : 'GET',
      target: `/auth/logout${chance.of(0.3) ? this.query() : ''}`,
      headers: [...this.cookies(), ...(chance.of(0.7) ? [['Origin', origin] as [string, string]] : [])],
      isPlain: true,
    };
    return this.dressed(draft, 1);
  }

  private backchannelLogout(): Draft {
    const { chance } = this;
    const token = this.encoded(this.logoutToken());
    const bodies = [
      `logout_token=${token}`,
      `logout_token=${token}`,
      `logout_token=${token}&logout_token=${token}`,
      `x=1&logout_token=${token}&y=2`,
      `logout_token[]=${token}`,
      `LOGOUT_TOKEN=${token}`,
      '',
    ];
    return this.dressed(
      {
        kind: 'back-channel logout',
        method: 'POST',
        target: '/auth/backchannel-logout',
        headers: [...this.cookies(), ['Content-Type', FORM]],
        body: chance.pick(bodies),
        isChunked: chance.of(0.1),
        isPlain: true,
      },
      0,
    );
  }

  private logoutToken(): string {
    const { chance, loot } = this;
    const token = loot.logoutTokens.length === 0 ? 'x.y.z' : chance.pick(loot.logoutTokens);
    const choices = [token, token, chance.bent(token), chance.bytes(200), `${token}.${token}`, '..', 'e30.e30.'];
    return chance.pick(choices);
  }

  private malformed(): HostileRequest {
    const { chance } = this;
    const text = chance.pick(MALFORMED);
    if (chance.of(0.5)) return rawRequest('malformed', text);
    if (chance.of(0.3)) return rawRequest('malformed', chance.bytes(400));
    // Nobody can tell where the answer to HEAD ends when it is not known to be HEAD.
    const { bytes, session } = requestFrom({ ...this.noise(), method: 'GET' }, this.loot);
    // What is bent may still be a request.
    return { ...rawRequest('malformed', chance.bent(bytes.toString('latin1'))), session };
  }

  private query(): string {
    const { chance } = this;
    const pairs = Array.from({ length: chance.below(4) }, () => {
      const value = chance.of(0.5) ? chance.text(20) : chance.pick(RETURN_TOS);
      return `${chance.pick(PARAMETERS)}=${this.encoded(value)}`;
    });
    return `?${pairs.join('&')}`;
  }

  private cookies(): [string, string][] {
    const { chance } = this;
    const jars: readonly (() => readonly string[])[] = [
      () => [],
      () => [this.sessionCookie()],
      () => [this.sessionCookie(), 'theme=dark', 'lang="cs"'],
      () => [this.sessionCookie(), this.sessionCookie()],
      () =>
        Array.from(
          { length: 60 },
          () => `oidc.tx.${chance.text(8, TOKEN_ALPHABET)}=${chance.text(40, TOKEN_ALPHABET)}`,
        ),
      () => [`sid=${this.headerSafe(chance.bytes(60))}`],
      () => [`x=${'y'.repeat(6000)}`, this.sessionCookie()],
      () => ['__proto__=x', 'constructor=y', 'sid', '=', ';;;', '=sid', this.sessionCookie()],
    ];
    const jar = chance.pick(jars)();
    if (jar.length === 0) return [];
    if (chance.of(0.1)) return jar.map((cookie) => ['Cookie', cookie]);
    return [['Cookie', jar.join('; ')]];
  }

  private sessionCookie(): string {
    const { chance, loot } = this;
    const made = Array.from({ length: 43 }, () => chance.pick(TOKEN_ALPHABET)).join('');
    if (loot.sessions.length === 0) return `sid=${made}`;
    const { token } = chance.pick(loot.sessions);
    return chance.pick([
      `sid=${token}`,
      `sid=${token}`,
      `sid=${made}`,
      `sid=${this.headerSafe(chance.bent(token))}`,
      `SID=${token}`,
      `sid="${token}"`,
      `__Host-sid=${token}`,
      `sid=${token}=`,
    ]);
  }

  /** Adds headers, and a host that may be anybody's. */
  private dressed(draft: Draft, most: number): Draft {
    const { chance } = this;
    const host = chance.of(0.8)
      ? 'localhost'
      : chance.pick(['evil.example', '127.0.0.1:1', '[::1]', '', 'x'.repeat(300)]);
    const others = Array.from({ length: chance.below(most + 1) }, (): [string, string] => {
      const [name, values] = chance.pick(HEADERS);
      return [name, chance.pick(values)];
    });
    const once = new Map([...others, ...draft.headers.filter(([name]) => name !== 'Cookie')]);
    const cookies = draft.headers.filter(([name]) => name === 'Cookie');
    return { ...draft, headers: [['Host', host], ...cookies, ...once] };
  }

  private finish(draft: Draft): HostileRequest {
    return requestFrom(draft, this.loot);
  }

  private encoded(value: string): string {
    return new URLSearchParams([['', value]]).toString().slice(1);
  }

  private headerSafe(value: string): string {
    // eslint-disable-next-line no-control-regex
    return value.replaceAll(/[\u0000-\u0008\n-\u001f\u007f]/gu, '');
  }
}
