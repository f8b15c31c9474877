import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CompactEncrypt } from 'jose';
import { MemorySessionStore } from 'nest-oidc';
import { createHash } from 'node:crypto';
import { Browser, type BrowserResponse } from '../support/browser.js';
import {
  halfHash,
  ScriptedProvider,
  startAppAt,
  ACCESS_TOKEN,
  type IdTokenParts,
  type Json,
} from '../support/scripted-provider.js';
import { hmacBy, newSigningKey, signatureBy, unsignedJwt, type SigningKey } from '../support/signing-keys.js';
import type { TestApp } from '../support/test-app.js';
import { CLIENT_ID, CLIENT_SECRET } from '../support/test-provider.js';
import { TimeTravel } from '../support/time-travel.js';

const WEEK = 7 * 86_400;
const now = (): number => Math.floor(Date.now() / 1000);

type Bend = (parts: IdTokenParts) => IdTokenParts;

/** Changes claims and signs anew: nothing but the claims is wrong. `undefined` leaves a claim out. */
const claims =
  (bent: Json | (() => Json)): Bend =>
  (parts) => ({ ...parts, claims: { ...parts.claims, ...(typeof bent === 'function' ? bent() : bent) } });

const header =
  (bent: Json): Bend =>
  (parts) => ({ ...parts, header: { ...parts.header, ...bent } });

describe('an ID token at login', () => {
  let provider: ScriptedProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await ScriptedProvider.start();
    app = await startAppAt(provider);
  });

  afterAll(async () => {
    await app.close();
    await provider.stop();
  });

  beforeEach(() => {
    provider.reset();
    browser = new Browser();
  });

  const login = (): Promise<BrowserResponse & { url: string }> =>
    browser.navigate(`${app.url}/auth/login?returnTo=/profile`);

  /** A user who is logged in meets a provider that has gone wrong. */
  async function expectRefusal(bend: () => void): Promise<BrowserResponse> {
    await login();
    const session = browser.cookies.get('sid');
    bend();
    const answer = await login();
    expect(answer).toMatchObject({ status: 400, url: expect.stringContaining('/auth/callback') });
    expect(answer.setCookies.filter((cookie) => cookie.startsWith('sid='))).toEqual([]);
    expect(browser.cookies.get('sid')).toBe(session);
    expect((await browser.fetch(`${app.url}/profile`)).json()).toMatchObject({ user: { sub: 'alice' } });
    return answer;
  }

  const reason = (): string | undefined =>
    app.events.flatMap((event) => (event.name === 'request.failed' ? [event.reason] : [])).at(-1);

  it('logs the user in when it is good', async () => {
    const page = await login();
    expect(page.json()).toMatchObject({ user: { sub: 'alice', iss: provider.issuer } });
    expect(browser.cookies.get('sid')).toMatch(/^[\w-]{43}$/u);
  });

  const GOOD: readonly (readonly [string, Bend])[] = [
    ['has no typ', header({ typ: undefined })],
    ['has the typ id_token+jwt', header({ typ: 'id_token+jwt' })],
    ['was issued nine minutes ago', claims(() => ({ iat: now() - 540 }))],
    ['is valid in 20 seconds, within the clock tolerance', claims(() => ({ nbf: now() + 20 }))],
    ['is nested 32 levels deep', claims({ deep: nested(30) })],
    ['has the typ in capitals', header({ typ: 'ID_TOKEN+JWT' })],
    ['has no kid while one key fits', header({ kid: undefined })],
    ['names its audience in a list', claims({ aud: [CLIENT_ID] })],
    ['names this client as azp', claims({ azp: CLIENT_ID })],
    ['has the right at_hash', claims({ at_hash: halfHash(ACCESS_TOKEN) })],
    ['expired within the clock tolerance', claims(() => ({ exp: now() - 20 }))],
    ['was issued 20 seconds ahead, within the clock tolerance', claims(() => ({ iat: now() + 20 }))],
    ['has a sub of 255 characters', claims({ sub: 's'.repeat(255) })],
  ];

  it.each(GOOD)('is accepted when it %s [IDT-04] [IDT-05] [IDT-06] [IDT-07] [IDT-12] [IDT-13]', async (_, bend) => {
    provider.script.idToken = bend;
    expect((await login()).status).toBe(200);
  });

  const SIGNATURES: readonly (readonly [string, Bend])[] = [
    [
      'has a broken signature',
      (parts) => ({ ...parts, signature: (input) => parts.signature(input).map((byte) => byte ^ 1) }),
    ],
    ['has no signature', (parts) => ({ ...parts, signature: () => Buffer.alloc(0) })],
    [
      'is signed by a key that the provider does not publish, under a kid that it does',
      (parts) => ({ ...parts, signature: signatureBy(newSigningKey('key-1')) }),
    ],
    [
      'names a kid that nobody knows',
      (parts) => ({
        ...parts,
        header: { ...parts.header, kid: 'unknown' },
        signature: signatureBy(newSigningKey('unknown')),
      }),
    ],
    [
      'was changed after it was signed',
      (parts) => ({ ...parts, signature: () => parts.signature(Buffer.from('another token')) }),
    ],
    ['is signed with alg none', (parts) => ({ ...parts, header: { alg: 'none' }, signature: () => Buffer.alloc(0) })],
    [
      'says alg None but for the case of a letter',
      (parts) => ({ ...parts, header: { alg: 'None' }, signature: () => Buffer.alloc(0) }),
    ],
    ['has no alg', header({ alg: undefined })],
    [
      'is signed by HS256 with the client secret',
      (parts) => ({ ...parts, header: { alg: 'HS256' }, signature: hmacBy(CLIENT_SECRET) }),
    ],
  ];

  it.each(SIGNATURES)('makes no session when it %s [IDT-01] [IDT-02]', async (_, bend) => {
    await expectRefusal(() => (provider.script.idToken = bend));
  });

  it('makes no session when it is signed by HS256 with the public key as the secret [IDT-02]', async () => {
    const pem = String(provider.keys[0]?.publicKey.export({ format: 'pem', type: 'spki' }));
    await expectRefusal(() => {
      provider.script.idToken = (parts) => ({
        ...parts,
        header: { ...parts.header, alg: 'HS256' },
        signature: hmacBy(pem),
      });
    });
  });

  it('makes no session when its alg is strong and published, but not in the allow-list [IDT-02] [CFG-05]', async () => {
    const others = (['RS384', 'PS256', 'ES256', 'EdDSA'] as const).map((alg) => newSigningKey(`key-${alg}`, alg));
    for (const key of others) {
      await expectRefusal(() => {
        provider.script.jwks = ({ keys }) => ({ keys: [...keys, key.jwk] });
        provider.script.idToken = ({ claims: payload }) => ({
          header: { alg: key.alg, kid: key.kid },
          claims: payload,
          signature: signatureBy(key),
        });
      });
      provider.reset();
    }
  });

  it('makes no session when its key has less than 2048 bits [JWK-04]', async () => {
    const [good] = provider.keys;
    const weak = newSigningKey('key-weak', 'RS256', 1024);
    provider.keys = [weak, good].flatMap((key) => key ?? []);
    try {
      expect((await login()).status).toBe(400);
      expect(browser.cookies.has('sid')).toBe(false);
      expect(provider.count('/jwks')).toBe(1);
    } finally {
      provider.keys = provider.keys.slice(1);
    }
  });

  const CLAIMS: readonly (readonly [string, string, Json | (() => Json)])[] = [
    ['iss', 'comes from another issuer', { iss: 'https://evil.example' }],
    ['iss', 'has an issuer with a slash at its end', () => ({ iss: `${provider.issuer}/` })],
    ['iss', 'has its issuer in capitals', () => ({ iss: provider.issuer.toUpperCase() })],
    ['iss', 'has a list of issuers', () => ({ iss: [provider.issuer] })],
    ['iss', 'has no issuer', { iss: undefined }],
    ['aud', 'is for another client', { aud: 'another-client' }],
    ['aud', 'has no audience', { aud: undefined }],
    ['aud', 'is also for an audience that is not trusted', { aud: [CLIENT_ID, 'another-client'], azp: CLIENT_ID }],
    ['aud', 'is also for an audience that is no string', { aud: [CLIENT_ID, 5], azp: CLIENT_ID }],
    ['aud', 'names its audience twice', { aud: [CLIENT_ID, CLIENT_ID], azp: CLIENT_ID }],
    ['azp', 'was issued to another party', { azp: 'another-client' }],
    ['azp', 'has an azp that is no string', { azp: [CLIENT_ID] }],
    ['nonce', 'has no nonce', { nonce: undefined }],
    ['nonce', 'has the nonce of another login', { nonce: 'A'.repeat(43) }],
    ['nonce', 'has a nonce that is no string', () => ({ nonce: ['A'] })],
    ['exp', 'has expired', () => ({ exp: now() - 31 })],
    ['exp', 'never expires', { exp: undefined }],
    ['exp', 'expires at a string', () => ({ exp: String(now() + 60) })],
    ['nbf', 'is not valid yet', () => ({ nbf: now() + 60 })],
    ['iat', 'was issued in the future', () => ({ iat: now() + 60 })],
    ['iat', 'was issued eleven minutes ago', () => ({ iat: now() - 660 })],
    ['iat', 'was issued a week ago', () => ({ iat: now() - WEEK })],
    ['iat', 'does not say when it was issued', { iat: undefined }],
    ['iat', 'was issued at a string', () => ({ iat: String(now()) })],
    ['sub', 'has no sub', { sub: undefined }],
    ['sub', 'has an empty sub', { sub: '' }],
    ['sub', 'has a sub of 300 characters', { sub: 's'.repeat(300) }],
    ['sub', 'has a sub with CR and LF', { sub: 'alice\r\nadmin' }],
    ['sub', 'has a sub with a C1 control character', { sub: 'alice\u0085admin' }],
    ['sub', 'has a sub that is a number', { sub: 5 }],
    ['sub', 'has a sub that is an object', { sub: { toString: 'alice' } }],
    ['at_hash', 'belongs to another access token', { at_hash: halfHash('another access token') }],
    ['at_hash', 'has an at_hash that is no string', { at_hash: [halfHash(ACCESS_TOKEN)] }],
    ['events', 'is about events', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
    ['events', 'has an events member of null', { events: null }],
  ];

  /** The rows of the requirement list that each claim belongs to. */
  const ROWS: Readonly<Record<string, string>> = {
    iss: '[IDT-03]',
    aud: '[IDT-04]',
    azp: '[IDT-05]',
    exp: '[IDT-06]',
    nbf: '[IDT-06]',
    iat: '[IDT-07]',
    nonce: '[IDT-08]',
    sub: '[IDT-09]',
    at_hash: '[IDT-12]',
    events: '[IDT-13]',
  };

  it.each(CLAIMS.map(([claim, how, bent]) => [claim, how, ROWS[claim], bent] as const))(
    'makes no session when its %s is wrong: it %s %s',
    async (_claim, _how, _row, bent) => {
      await expectRefusal(() => (provider.script.idToken = claims(bent)));
    },
  );

  it.each(['at+jwt', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', 'application/at+jwt', 5, {}, ''])(
    'makes no session when its typ is %j, that of another class of token [IDT-13]',
    async (typ) => {
      await expectRefusal(() => (provider.script.idToken = header({ typ })));
    },
  );

  it('makes no session when it has a crit header [IDT-14]', async () => {
    await expectRefusal(() => (provider.script.idToken = header({ crit: ['exp'], exp: 1 })));
    await expectRefusal(() => (provider.script.idToken = header({ crit: [] })));
  });

  it('makes no session when it is longer than 64 KiB, or has more than 500 claims [IDT-15] [Numbers]', async () => {
    await expectRefusal(() => (provider.script.idToken = claims({ padding: 'x'.repeat(64 * 1024) })));
    expect(reason()).toBe('size');
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`c${index}`, 1]));
    await expectRefusal(() => (provider.script.idToken = claims(many)));
    expect(reason()).toBe('size');
  });

  it('makes no session when it is nested deeper than 32 levels, so deep that walking it would exhaust the stack [Numbers]', async () => {
    await expectRefusal(() => (provider.script.idToken = claims({ deep: nested(32) })));
    expect(reason()).toBe('payload');
    const [key = newSigningKey('none')] = provider.keys;
    await expectRefusal(() => {
      provider.script.idTokenText = (honest) =>
        resigned(honest, key, `"deep":${'['.repeat(20_000)}${']'.repeat(20_000)},`);
    });
    expect(reason()).toBe('payload');
  });

  it('makes no session when it repeats a claim, of which parsers take the first or the last', async () => {
    const [key = newSigningKey('none')] = provider.keys;
    await expectRefusal(() => {
      provider.script.idTokenText = (honest) => resigned(honest, key, '"sub":"mallory",');
    });
    expect(reason()).toBe('payload');
  });

  it.each(['RSA-OAEP-256', 'dir'] as const)(
    'makes no session when it is encrypted, which nobody has asked for: %s [IDT-16]',
    async (alg) => {
      const [key = newSigningKey('none')] = provider.keys;
      const secret = alg === 'dir' ? createHash('sha256').update(CLIENT_SECRET).digest() : key.publicKey;
      const jwe = await new CompactEncrypt(Buffer.from(unsignedJwt({ iss: provider.issuer, sub: 'alice' })))
        .setProtectedHeader({ alg, enc: 'A256GCM', cty: 'JWT' })
        .encrypt(secret);
      await expectRefusal(() => (provider.script.idTokenText = () => jwe));
    },
  );

  it.each([
    ['is no JWT', 'not-a-token'],
    ['has two parts', 'e30.e30'],
    ['has five parts, as an encrypted one', 'e30.e30.e30.e30.e30'],
    ['has a payload that is no JSON', `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.AAAA.AAAA`],
    ['has a payload that is a list', `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.W10.AAAA`],
  ])('makes no session when it %s [IDT-16]', async (_, text) => {
    await expectRefusal(() => (provider.script.idTokenText = () => text));
  });

  it.each(['jku', 'x5u'])('never fetches a key from where its %s header points [IDT-14] [NET-08]', async (name) => {
    provider.script.idToken = header({ [name]: `${provider.issuer}/keys-of-the-attacker` });
    expect((await login()).status).toBe(200);
    expect(provider.count('/keys-of-the-attacker')).toBe(0);
  });

  it('never uses a certificate that it brings along as x5c [IDT-14]', async () => {
    const mine = newSigningKey('key-1');
    const x5c = [String(mine.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'))];
    await expectRefusal(() => {
      provider.script.idToken = (parts) => ({
        ...parts,
        header: { ...parts.header, x5c },
        signature: signatureBy(mine),
      });
    });
  });

  it('never uses a key that it brings along as jwk [IDT-14]', async () => {
    const mine = newSigningKey('key-1');
    await expectRefusal(() => {
      provider.script.idToken = (parts) => ({
        ...parts,
        header: { ...parts.header, jwk: mine.jwk },
        signature: signatureBy(mine),
      });
    });
  });

  it('tells the log which check failed, and the user nothing but a code [CB-07]', async () => {
    const answer = await expectRefusal(() => (provider.script.idToken = claims({ azp: 'another-client' })));
    expect(reason()).toBe('azp');
    expect(answer.body).toContain('id_token_invalid');
    expect(answer.body).not.toContain('another-client');
  });

  it.each<[string, Json | (() => Json)]>([
    ['iss', { iss: 'https://evil.example' }],
    ['aud', { aud: 'another-client' }],
    ['exp', () => ({ exp: now() - 60 })],
    ['nbf', () => ({ nbf: now() + 60 })],
    ['nonce', { nonce: 'of another login' }],
    ['claims', { nonce: undefined }],
  ])('tells the log that it was %s, also where the protocol library has checked it', async (claim, bent) => {
    await expectRefusal(() => (provider.script.idToken = claims(bent)));
    expect(reason()).toBe(claim);
  });

  describe('with max_age [IDT-10]', () => {
    let strict: TestApp;
    beforeAll(async () => {
      strict = await startAppAt(provider, { options: { login: { maxAge: 300 } } });
    });
    afterAll(() => strict.close());

    const status = async (authTime: unknown): Promise<number> => {
      provider.script.idToken = claims({ auth_time: authTime });
      return (await browser.navigate(`${strict.url}/auth/login?returnTo=/profile`)).status;
    };

    it('is accepted when the user logged in at the provider lately', async () => {
      expect(await status(now() - 299)).toBe(200);
      expect(provider.to('/authorize').map(({ params }) => params.get('max_age'))).toEqual(['300']);
    });

    it('is measured at the start of the login: a user may take long after the password', async () => {
      const authTime = now() - 250;
      provider.script.idToken = claims({ auth_time: authTime });
      const { url } = await browser.navigate(`${strict.url}/auth/login`, (at) => at.includes('/auth/callback'));
      const time = new TimeTravel();
      try {
        time.forward(400);
        expect((await browser.open(url)).status).toBe(303);
      } finally {
        time.end();
      }
    });

    it.each([
      ['is absent', () => undefined],
      ['is too long ago', () => now() - 360],
      ['lies in the future', () => now() + 60],
      ['is a string', () => String(now())],
    ])('makes no session when auth_time %s', async (_, authTime) => {
      expect(await status(authTime())).toBe(400);
      expect(browser.cookies.has('sid')).toBe(false);
    });
  });

  it.each([
    ['0, and expired 5 seconds ago', 0, -5, 400],
    ['60, and expired 50 seconds ago', 60, -50, 200],
    ['60, and expired 65 seconds ago', 60, -65, 400],
  ])('is judged by the clock tolerance of %s [IDT-06]', async (_, clockTolerance, seconds, status) => {
    const tolerant = await startAppAt(provider, { options: { idToken: { clockTolerance } } });
    try {
      provider.script.idToken = claims(() => ({ exp: now() + seconds }));
      expect((await browser.navigate(`${tolerant.url}/auth/login?returnTo=/profile`)).status).toBe(status);
    } finally {
      await tolerant.close();
    }
  });

  it('shows the application email and email_verified as they are: neither says who the user is [IDT-17]', async () => {
    const shared = { email: 'shared@example.com', email_verified: false };
    provider.script.idToken = claims(shared);
    expect((await login()).json()).toMatchObject({ user: { sub: 'alice', ...shared } });
    provider.sub = 'mallory';
    provider.script.idToken = claims({ ...shared, email_verified: 'true' });
    browser = new Browser();
    expect((await login()).json()).toMatchObject({ user: { sub: 'mallory', email_verified: 'true' } });
  });

  it('makes no session when its alg is configured, and the metadata does not list it [CFG-05]', async () => {
    provider.script.discovery = (document) => ({ ...document, id_token_signing_alg_values_supported: ['ES256'] });
    const narrowed = await startAppAt(provider);
    try {
      expect((await browser.navigate(`${narrowed.url}/auth/login`)).status).toBe(400);
      expect(browser.cookies.has('sid')).toBe(false);
    } finally {
      await narrowed.close();
    }
  });

  it('is seen by nobody before it has passed every check: not by mapClaims, not by the store [CB-11]', async () => {
    const store = new MemorySessionStore();
    const create = jest.spyOn(store, 'create');
    const mapClaims = jest.fn(<T>(of: T): T => of);
    const watched = await startAppAt(provider, { options: { mapClaims, session: { store } } });
    const url = `${watched.url}/auth/login?returnTo=/profile`;
    try {
      provider.script.idToken = claims({ at_hash: halfHash('another access token') });
      expect((await browser.navigate(url)).status).toBe(400);
      expect([mapClaims, create].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
      expect(watched.events.map(({ name }) => name)).not.toContain('login.succeeded');
      provider.reset();
      expect((await browser.navigate(url)).status).toBe(200);
      expect([mapClaims, create].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
    } finally {
      await watched.close();
    }
  });

  it('is accepted for a second audience that the application trusts [IDT-04]', async () => {
    const trusting = await startAppAt(provider, { options: { idToken: { trustedAudiences: ['the-api'] } } });
    try {
      provider.script.idToken = claims({ aud: [CLIENT_ID, 'the-api'], azp: CLIENT_ID });
      expect((await browser.navigate(`${trusting.url}/auth/login?returnTo=/profile`)).status).toBe(200);
    } finally {
      await trusting.close();
    }
  });

  it.each(['ES256', 'EdDSA', 'PS256'] as const)(
    'is accepted with %s when that is configured, and RS256 no longer [CFG-05]',
    async (alg) => {
      const configured = await startAppAt(provider, { options: { idToken: { signingAlgorithms: [alg] } } });
      const [rsa] = provider.keys;
      const key = newSigningKey(`key-${alg}`, alg);
      provider.keys = [key, rsa].flatMap((each) => each ?? []);
      const url = `${configured.url}/auth/login?returnTo=/profile`;
      try {
        provider.script.idToken = claims({ at_hash: halfHash(ACCESS_TOKEN, alg === 'EdDSA' ? 'sha512' : 'sha256') });
        expect((await browser.navigate(url)).status).toBe(200);
        provider.keys = provider.keys.slice(1);
        provider.script.idToken = (parts) => parts;
        expect((await browser.navigate(url)).status).toBe(400);
      } finally {
        provider.keys = rsa ? [rsa] : [];
        await configured.close();
      }
    },
  );
});

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

/** The same token with text put at the start of its claims, signed anew. */
function resigned(jwt: string, key: SigningKey, text: string): string {
  const [head = '', payload = ''] = jwt.split('.');
  const bent = Buffer.from(payload, 'base64url').toString().replace('{', `{${text}`);
  const input = `${head}.${Buffer.from(bent).toString('base64url')}`;
  return `${input}.${signatureBy(key)(Buffer.from(input)).toString('base64url')}`;
}
