/**
 * Defences, each taken out: the tests named must fail then. A file, a text that is in it exactly once, what replaces it;
 * `tests` are files, `title` picks tests in them (a regular expression on the full title) so that a mutation is quick.
 *
 * Where two lines of defence exist, one of them would stop what the other lets through: both are taken out at once.
 */
const ID_TOKEN = 'lib/provider/id-token.ts';
const JWT = 'lib/provider/jwt-rules.ts';
const LOGOUT_TOKEN = 'lib/provider/logout-token.ts';
const PROVIDER = 'lib/provider/provider.service.ts';
const CALL = 'lib/provider/provider-call.ts';
const METADATA = 'lib/provider/provider-metadata.ts';
const KEYS = 'lib/provider/provider-keys.ts';
const CALLBACK = 'lib/login/callback.service.ts';
const REQUESTS = 'lib/login/authorization-request.ts';
const COOKIES = 'lib/http/cookies.ts';
const AUTH = 'lib/http/auth.service.ts';
const OPTIONS = 'lib/options/resolve-options.ts';
const LOCAL_PATH = 'lib/options/local-path.ts';
const PROVIDER_LOGOUT = 'lib/logout/provider-logout.service.ts';
const SEALING = 'lib/session/sealing.ts';
const PROCESS_CACHE = 'lib/store/process-cache.ts';
const TRACKING = 'lib/store/redis-tracking.ts';

const callbackTest = 'test/security/callback.test.ts';
const idTokenTest = 'test/security/id-token.test.ts';
const logoutTokenTest = 'test/security/logout-token.test.ts';
const tokenResponseTest = 'test/security/token-response.test.ts';
const discoveryTest = 'test/security/discovery.test.ts';
const loginTest = 'test/security/login.test.ts';
const cookiesTest = 'test/security/cookies.test.ts';
const userInfoTest = 'test/security/userinfo.test.ts';
const keysTest = 'test/security/signing-keys.test.ts';
const returnToTest = 'test/security/return-to.test.ts';
const platformTest = 'test/security/platform.test.ts';
const refreshTest = 'test/provider/refresh.test.ts';
const refusalsTest = 'test/options/refusals.test.ts';
const providerLogoutTest = 'test/logout/provider-logout-service.test.ts';
const cacheTest = 'test/store/process-cache.test.ts';
const cacheFaultsTest = 'test/store/process-cache-faults.test.ts';
const loginJourney = 'test/journeys/login.test.ts';

/** `openid-client` checks ID tokens, too: whatever it says about them is ignored. */
const blindOpenidClient = edit(
  PROVIDER,
  'throw explainExchange(call, error);',
  'if (!isLoginResponse(call.answer)) throw explainExchange(call, error);',
);

export const mutations = [
  // Authorization request
  {
    name: 'state: always the same',
    edits: [edit(REQUESTS, 'state: randomToken(),', "state: 'A'.repeat(43),")],
    tests: [loginTest],
    title: 'on express has a state, nonce and code verifier of its own',
  },
  {
    name: 'PKCE: no challenge is sent',
    edits: [
      edit(PROVIDER, 'code_challenge: await calculatePKCECodeChallenge(request.codeVerifier),', ''),
      edit(PROVIDER, "code_challenge_method: 'S256',", ''),
    ],
    tests: [loginTest],
    title: 'on express asks for the code flow',
  },
  {
    name: 'PKCE: plain',
    edits: [
      edit(PROVIDER, 'await calculatePKCECodeChallenge(request.codeVerifier),', 'request.codeVerifier,'),
      edit(PROVIDER, "code_challenge_method: 'S256',", "code_challenge_method: 'plain',"),
    ],
    tests: [loginTest],
    title: 'on express asks for the code flow',
  },
  {
    name: 'PKCE: the verifier is not that of the login',
    edits: [edit(PROVIDER, 'pkceCodeVerifier: exchange.codeVerifier,', "pkceCodeVerifier: 'A'.repeat(43),")],
    tests: [tokenResponseTest],
    title: 'proves by its code_verifier',
  },
  {
    name: 'browser parameters: all are passed on',
    edits: [edit('lib/login/login.service.ts', '...authorizationParams,', '...Object.fromEntries(query),')],
    tests: [loginTest],
    title: 'on express takes nothing from the query',
  },
  {
    name: 'login: HEAD, prefetches and images start one',
    edits: [
      edit(
        AUTH,
        'if (!isTopLevelNavigation(request)) throw new NavigationRequiredError();\n    const { authorizationRequest, url }',
        'const { authorizationRequest, url }',
      ),
    ],
    tests: [loginTest],
    title: 'on express',
  },

  // Authorization response
  {
    name: 'state: not compared',
    // The cookie is sealed under a name made of the state, which alone would refuse another login's.
    edits: [
      edit(CALLBACK, "if (!sameText(request.state, state)) throw new CallbackRejectedError('state_mismatch');", ''),
      edit(REQUESTS, ', this.nameOf(request.state)).toString', ", '').toString"),
      edit(
        REQUESTS,
        "this.sealer.unseal(Buffer.from(sealed, 'base64url'), name)",
        "this.sealer.unseal(Buffer.from(sealed, 'base64url'), '')",
      ),
    ],
    tests: [callbackTest],
    title: 'on express.*under its name',
  },
  {
    name: 'one-time use: an authorization response works again',
    edits: [edit(CALLBACK, "if (!first) throw new CallbackRejectedError('transaction_used');", 'void first;')],
    tests: [callbackTest],
    title: 'on express.*exactly one login',
  },
  {
    name: 'one-time use: marked after the token request',
    edits: [
      edit(CALLBACK, 'await this.useUp(request);', ''),
      edit(
        CALLBACK,
        '      authenticatedSince: authenticatedSince(request),\n    });',
        '      authenticatedSince: authenticatedSince(request),\n    });\n    await this.useUp(request);',
      ),
    ],
    tests: [callbackTest],
    title: 'on express.*exactly one login',
  },
  {
    name: 'login under way: never expires',
    edits: [
      edit(REQUESTS, 'return this.clock.now() >= this.expiresAt(createdAt);', 'return this.expiresAt(createdAt) < 0;'),
    ],
    tests: [callbackTest],
    title: 'on express.*ten minutes after',
  },
  {
    name: 'iss parameter: not compared',
    edits: [
      edit(CALLBACK, 'if (iss !== null && iss !== this.options.issuer)', 'if (iss !== null && !this.options.issuer)'),
    ],
    tests: [callbackTest],
    title: 'on express.*with parameters that it must not have',
  },
  {
    name: 'iss parameter: not missed where it is promised',
    edits: [edit(CALLBACK, 'if (iss === null && (await', 'if (iss === undefined && (await')],
    tests: [callbackTest],
    title: 'on express.*without iss when',
  },
  {
    name: 'repeated parameters: the first counts',
    edits: [edit(CALLBACK, 'params.getAll(name).length > 1', 'params.getAll(name).length > 9')],
    tests: [callbackTest],
    title: 'on express.*when it repeats',
  },
  {
    name: 'parameters of other flows: accepted',
    edits: [edit(CALLBACK, 'FOREIGN_PARAMETERS.some((name) => params.has(name))', 'FOREIGN_PARAMETERS.length === 0')],
    tests: [callbackTest],
    title: 'on express.*of another flow',
  },
  {
    name: 'HEAD at the callback uses up the code',
    edits: [
      edit(
        AUTH,
        'if (!isTopLevelNavigation(request)) throw new NavigationRequiredError();\n    const params',
        'const params',
      ),
    ],
    tests: [callbackTest],
    title: 'on express.*that is no navigation',
  },
  {
    name: 'error responses: believed without a login of this browser',
    edits: [
      edit(
        CALLBACK,
        "if (sealedRequest === undefined) throw new CallbackRejectedError('transaction_missing');",
        "if (params.has('error')) throw new AuthorizationRefusedError(params.get('error') ?? '');\n    if (sealedRequest === undefined) throw new CallbackRejectedError('transaction_missing');",
      ),
    ],
    tests: [callbackTest],
    title: 'on express.*believed only with the state',
  },
  {
    name: 'id rotation: the old session lives on',
    edits: [edit(CALLBACK, 'if (previousToken !== undefined) await', 'if (previousToken === null) await')],
    tests: [callbackTest],
    title: 'on express.*ends the session that the browser had',
  },
  {
    name: 'id rotation: the same id for every login',
    edits: [edit('lib/session/session-repository.ts', 'const token = randomToken();', "const token = 'A'.repeat(43);")],
    tests: [callbackTest],
    title: 'on express.*gives every login a session id of its own',
  },

  // ID token
  {
    name: 'ID token: signature not verified',
    edits: [
      edit(
        JWT,
        'const verified = await jwtVerify(jwt, findKey, rules);',
        "const [protectedHeader, payload] = jwt.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString())); const verified = { protectedHeader, payload } as never;",
      ),
    ],
    tests: [idTokenTest],
    title: 'is signed by a key that the provider does not publish',
  },
  {
    name: 'ID token: alg not limited to the allow-list',
    edits: [edit(JWT, 'algorithms: [...options.idToken.signingAlgorithms],', ''), blindOpenidClient],
    tests: [idTokenTest],
    title: 'not in the allow-list',
  },
  {
    name: 'ID token: nonce not compared',
    edits: [
      edit(ID_TOKEN, 'if (checks.nonce !== undefined && !sameText', 'if (checks.nonce === null && !sameText'),
      blindOpenidClient,
    ],
    tests: [idTokenTest],
    title: 'when its nonce is wrong',
  },
  {
    name: 'ID token: iss not compared',
    edits: [edit(JWT, 'issuer: options.issuer,', ''), blindOpenidClient],
    tests: [idTokenTest],
    title: 'when its iss is wrong',
  },
  {
    name: 'ID token: aud not compared',
    edits: [
      edit(JWT, 'audience: options.clientId,', ''),
      edit(JWT, 'audiences.includes(clientId) &&', ''),
      edit(JWT, 'audiences.every((audience) => allowed.has(audience)) &&', 'allowed.size > 0 &&'),
      blindOpenidClient,
    ],
    tests: [idTokenTest],
    title: 'when its aud is wrong: it is for another client',
  },
  {
    name: 'ID token: any other audience is fine',
    edits: [edit(JWT, 'audiences.every((audience) => allowed.has(audience)) &&', 'allowed.size > 0 &&')],
    tests: [idTokenTest],
    title: 'when its aud is wrong: it is also',
  },
  {
    name: 'ID token: azp not compared',
    edits: [edit(ID_TOKEN, "if (claims['azp'] !== undefined && claims['azp'] !== clientId)", 'if (!clientId)')],
    tests: [idTokenTest],
    title: 'when its azp is wrong',
  },
  {
    name: 'ID token: exp not enforced',
    edits: [edit(JWT, 'clockTolerance: options.idToken.clockTolerance,', 'clockTolerance: 1e9,'), blindOpenidClient],
    tests: [idTokenTest],
    title: 'when its exp is wrong: it has expired',
  },
  {
    name: 'ID token: as old as it likes',
    edits: [edit(JWT, 'maxTokenAge: maxAge,', '')],
    tests: [idTokenTest],
    title: 'when its iat is wrong: it was issued a week ago',
  },
  {
    name: 'ID token: any sub',
    edits: [edit(ID_TOKEN, "if (!isIdentifier(claims.sub)) throw new IdTokenInvalidError('sub');", '')],
    tests: [idTokenTest],
    title: 'when its sub is wrong',
  },
  {
    name: 'ID token: at_hash not compared',
    edits: [edit(ID_TOKEN, 'if (atHash === undefined) return true;', 'if (atHash !== null) return true;')],
    tests: [idTokenTest],
    title: 'when its at_hash is wrong',
  },
  {
    name: 'ID token: another class of token is taken for one',
    edits: [edit(ID_TOKEN, "if (!isOfType(protectedHeader.typ, TYPES)) throw new IdTokenInvalidError('typ');", '')],
    tests: [idTokenTest],
    title: 'when its typ is',
  },
  {
    name: 'ID token: a logout token is taken for one',
    edits: [edit(ID_TOKEN, "if (claims['events'] !== undefined) throw", "if (claims['events'] === 7) throw")],
    tests: [idTokenTest],
    title: 'when its events is wrong',
  },
  {
    name: 'ID token: max_age not enforced',
    edits: [edit(ID_TOKEN, 'if (since === undefined) return;', 'if (since !== null) return;')],
    tests: [idTokenTest],
    title: 'with max_age',
  },

  // Token response, UserInfo, requests to the provider
  {
    name: 'token response: an error in a 200 is overlooked',
    edits: [edit('lib/provider/token-response.ts', " && json['error'] === undefined", '')],
    tests: [tokenResponseTest],
    title: 'error',
  },
  {
    name: 'answers of the provider: the last of repeated members counts',
    edits: [
      edit('lib/provider/json-object.ts', 'isObject && isUnambiguous(text)', 'isObject && isUnambiguous.length > 0'),
    ],
    tests: ['test/provider/json-object.test.ts'],
    title: 'repeats no member',
  },
  {
    name: 'UserInfo: protocol claims are overwritten',
    edits: [edit(ID_TOKEN, '.filter(([name]) => !PROTOCOL_CLAIMS.has(name))', '')],
    tests: [userInfoTest],
    title: 'never overwrites',
  },
  {
    name: 'UserInfo: of somebody else',
    edits: [
      edit(PROVIDER, 'const { fetchUserInfo } =', 'const { fetchUserInfo, skipSubjectCheck } ='),
      edit(
        PROVIDER,
        'fetchUserInfo(configuration, accessToken, claims.sub)',
        'fetchUserInfo(configuration, accessToken, skipSubjectCheck)',
      ),
    ],
    tests: [userInfoTest],
    title: 'is about somebody else',
  },
  {
    name: 'claims: not frozen',
    edits: [edit('lib/session/session-codec.ts', 'deepFreeze(head.claims)', 'head.claims')],
    tests: ['test/session/session-codec.test.ts'],
    title: 'freezes what applications see',
  },
  {
    name: 'claims: not frozen when a session is opened again',
    edits: [edit('lib/session/session-codec.ts', 'copyOfClaims(head.claims)', '{ ...head.claims }')],
    tests: ['test/session/session-codec.test.ts'],
    title: 'is in objects that no other request has',
  },
  {
    name: 'claims: those of a session are the same object in every request',
    edits: [edit('lib/session/session-codec.ts', 'copyOfClaims(head.claims)', 'head.claims')],
    tests: ['test/session/session-codec.test.ts'],
    title: 'is in objects that no other request has',
  },
  {
    name: 'claims: one that is named like the prototype becomes it',
    edits: [edit('lib/common/claims.ts', "Object.hasOwn(claims, '__proto__') ? { ...claims } : ", '')],
    tests: ['test/common/claims.test.ts'],
    title: 'inherits nothing',
  },
  {
    name: 'request: a session at hand is let through without a look at where the request comes from',
    edits: [
      edit(
        'lib/http/request-authenticator.ts',
        '    this.checkOrigin(request, pages);\n    const refreshing',
        '    const refreshing',
      ),
    ],
    tests: ['test/http/request-authenticator.test.ts'],
    title: 'throws at once',
  },
  {
    name: 'cookie: a strict one is asked for on the way from another site',
    edits: [edit('lib/http/auth.service.ts', "this.options.session.cookie.sameSite === 'strict'", 'false')],
    tests: ['test/browser/strict-cookie.test.ts'],
  },
  {
    name: 'refresh: a refusal of one user that names a time stops all others',
    edits: [edit('lib/token/cool-down.ts', ' && !failure.reached', '')],
    tests: ['test/token/cool-down.test.ts'],
  },
  {
    name: 'access token: a call whose body is used up is repeated',
    edits: [edit('lib/token/token.service.ts', ' || !canBeSentAgain(init.body)', '')],
    tests: ['test/token/token-service.test.ts'],
    title: 'used up',
  },
  {
    name: 'refresh: the tokens of a session that is gone meanwhile are left alone',
    edits: [edit('lib/token/token-commits.ts', "if (result === 'gone')", "if (result === 'none')")],
    tests: ['test/token/token-refresher.test.ts'],
  },
  {
    name: 'session: one lives beyond its absolute end, by a late touch',
    edits: [
      edit(
        'lib/session/session-repository.ts',
        'return loaded.head.absoluteExpiresAt <= now ? undefined : loaded;',
        'return loaded;',
      ),
    ],
    tests: ['test/session/session-repository.test.ts'],
    title: 'beyond its absolute end',
  },
  {
    name: 'session_expiry: the provider ends no session',
    edits: [edit('lib/login/session-opener.ts', 'sessionExpiryOf(login.claims)', 'undefined')],
    tests: ['test/security/session-expiry.test.ts'],
  },
  {
    name: 'session_expiry: a refreshed ID token makes a session longer',
    edits: [
      edit(
        'lib/session/session-repository.ts',
        'Math.min(loaded.head.absoluteExpiresAt, latestEnd)',
        'Number.isFinite(latestEnd) ? latestEnd : loaded.head.absoluteExpiresAt',
      ),
    ],
    tests: ['test/security/session-expiry.test.ts'],
  },
  {
    name: 'session: one counts past its end that the store has not removed',
    edits: [
      edit(
        'lib/session/session-repository.ts',
        'if (!stored || stored.expiresAt <= now) return undefined;\n    const loaded',
        'if (!stored) return undefined;\n    const loaded',
      ),
    ],
    tests: ['test/session/session-repository.test.ts'],
    title: 'past',
  },
  {
    name: 'request: an application takes the session that another one has kept with it',
    edits: [edit('lib/session/request-slot.ts', 'this.owner === owner ? this.loading : undefined', 'this.loading')],
    tests: ['test/session/session-service.test.ts'],
    title: 'mistaken',
  },
  {
    name: 'guard: goes by the first class that was asked for, where classes share a handler',
    edits: [
      edit('lib/http/route-access.ts', 'this.known.get(handler)?.get(controller) ??', '[...this.all].at(0) ??'),
      edit('lib/http/route-access.ts', 'const rules = {', 'const rules = this.all[0] = {'),
      edit(
        'lib/http/route-access.ts',
        '  constructor(',
        '  private readonly all: RouteRules[] = [];\n\n  constructor(',
      ),
    ],
    tests: [platformTest],
    title: 'share an inherited handler',
  },
  {
    name: 'claims: frozen at the surface only',
    edits: [edit('lib/common/claims.ts', 'for (const member of Object.values(value)) deepFreeze(member);', '')],
    tests: ['test/common/claims.test.ts'],
  },
  {
    name: 'claims: the application can change who the user is',
    edits: [
      edit(
        CALLBACK,
        'withIdentityOf(claims, await this.options.mapClaims(claims))',
        'await this.options.mapClaims(claims)',
      ),
      edit(CALLBACK, 'return { ...Object.fromEntries(others)', 'return { ...mapped, ...Object.fromEntries(others)'),
    ],
    tests: ['test/journeys/claims.test.ts'],
    title: 'the user stays who it is',
  },
  {
    name: 'metadata: the issuer is not compared',
    edits: [
      edit(METADATA, 'if (metadata.issuer !== this.options.issuer) throw', 'if (metadata.issuer === undefined) throw'),
    ],
    tests: [discoveryTest],
    title: 'issuer',
  },
  {
    name: 'metadata: plain http endpoints',
    edits: [
      edit(
        METADATA,
        "return protocol === 'https:' || (this.options.allowInsecure && protocol === 'http:');",
        'return protocol.length > 0;',
      ),
    ],
    tests: [discoveryTest],
  },
  {
    name: 'metadata: endpoints on any host',
    edits: [
      edit(
        METADATA,
        'return allowedHosts === undefined || allowedHosts.includes(new URL(endpoint).host);',
        'return true;',
      ),
    ],
    tests: [discoveryTest],
    title: 'host that is not allowed',
  },
  {
    name: 'authorization request: pushed only where the provider demands it',
    edits: [edit(METADATA, 'login.pushedRequests || ', '')],
    tests: ['test/security/pushed-authorization.test.ts'],
    title: 'login.pushedRequests|that option',
  },
  {
    name: 'metadata: endpoints preset parameters of ours',
    edits: [
      edit(
        METADATA,
        '.some((name) => RESERVED_PARAMETERS.has(name))',
        '.some((name) => name.length > RESERVED_PARAMETERS.size * 9)',
      ),
      edit(PROVIDER, 'if (repeatsParameter(url)) {', 'if (url.protocol === repeatsParameter.name) {'),
    ],
    tests: [discoveryTest],
    title: 'preset',
  },
  {
    name: 'requests to the provider: redirects are followed',
    edits: [edit(CALL, "redirect: 'manual',", "redirect: 'follow',")],
    tests: [discoveryTest, tokenResponseTest],
    title: 'redirect',
  },
  {
    name: 'requests to the provider: an answer of any size',
    edits: [edit(CALL, 'if (size > maxBytes)', 'if (size < 0 * maxBytes)')],
    tests: [tokenResponseTest, keysTest],
    title: 'larg|MiB|KiB|size',
  },
  {
    name: 'requests to the provider: no deadline',
    edits: [
      edit(
        CALL,
        'let timer = this.clock.schedule(this.limits.timeoutMs,',
        'let timer = this.clock.schedule(2 ** 31 - 1,',
      ),
    ],
    tests: [discoveryTest],
    title: 'no longer than the deadline',
  },
  {
    name: 'keys: secret ones are used',
    edits: [edit(KEYS, "key.kty !== 'oct' && !('d' in key)", "key.kty !== ''")],
    tests: [keysTest],
    title: 'never include',
  },
  {
    name: 'keys: unknown ids cause a fetch each',
    edits: [edit(KEYS, 'this.left -= 1;', '')],
    tests: [keysTest],
    title: 'flood',
  },

  // Refresh
  {
    name: 'refresh: tokens of another user',
    edits: [edit(PROVIDER, "if (sub !== original.sub) return 'sub';", '')],
    tests: [refreshTest],
  },
  {
    name: 'refresh: an ID token of another login',
    edits: [edit(PROVIDER, "if (nonce !== undefined && nonce !== original.nonce) return 'nonce';", '')],
    tests: [refreshTest],
  },
  {
    name: 'refresh: authenticated at another time',
    edits: [
      edit(PROVIDER, "return differs(authTime, original.authTime) ? 'auth_time' : undefined;", 'return undefined;'),
    ],
    tests: [refreshTest],
  },
  {
    name: 'refresh: the ID token’s signature is not verified',
    edits: [
      edit(
        'lib/token/token-refresher.ts',
        'await this.provider.verifyRefreshedIdToken(idToken, accessToken);',
        'void accessToken;',
      ),
    ],
    tests: ['test/token/token-refresher.test.ts'],
    title: 'that is forged ends the session',
  },
  {
    name: 'refresh: a forged ID token leaves a session that its commit has not reached',
    edits: [edit('lib/token/token-refresher.ts', '[generation, generation - 1, generation]', '[generation]')],
    tests: ['test/token/token-refresher.test.ts'],
    title: 'that is forged ends the session also',
  },
  {
    name: 'refresh: a refused token does not end the session',
    edits: [
      edit(
        'lib/token/token-refresher.ts',
        "return this.endUnlessMoved(loaded, 'refresh_refused');",
        'return this.adopt(loaded);',
      ),
    ],
    tests: ['test/token/token-refresher.test.ts'],
    title: 'refuses',
  },
  {
    name: 'refresh: brings a session back that has ended',
    edits: [
      edit(
        'lib/store/memory-session-store.ts',
        "if (!current) return 'gone';",
        "if (!current) { this.write(key, session); return 'written'; }",
      ),
    ],
    tests: ['test/token/token-refresher.test.ts'],
    title: 'logged out meanwhile',
  },
  {
    name: 'store: a late writer overwrites a newer generation',
    edits: [
      edit('lib/store/memory-session-store.ts', 'current.generation !== expectedGeneration', 'current.generation < 0'),
    ],
    tests: ['test/store/memory-session-store.test.ts'],
  },

  {
    name: 'refresh: a key that is not published yet ends the session',
    edits: [edit('lib/token/token-refresher.ts', "'nbf', 'key']", "'nbf']")],
    tests: ['test/token/token-refresher.test.ts'],
    title: 'proves nothing',
  },
  {
    name: 'refresh: a provider that wants one user counts as away for all',
    edits: [
      edit(
        'lib/token/token-refresher.ts',
        "answer.outcome === 'transient' && !answer.reached",
        "answer.outcome !== 'refreshed'",
      ),
    ],
    tests: ['test/token/token-refresher.test.ts'],
    title: 'is there for others',
  },

  // Session and cookies
  {
    name: 'silent login: puts another user in the place of the one who is logged in',
    edits: [
      edit(
        CALLBACK,
        'if (request.silent && previousToken !== undefined)',
        'if (request.silent && previousToken === null)',
      ),
    ],
    tests: [loginTest],
    title: 'on express.*never puts another user',
  },
  {
    name: 'session id: the store sees what opens a session',
    edits: [
      edit(
        'lib/session/session-token.ts',
        "return hash('sha256', token, 'base64url');",
        "return token || hash('sha256', token);",
      ),
    ],
    tests: [cookiesTest],
    title: 'on express.*by its hash',
  },
  {
    name: 'session id: whatever the cookie says goes to the store',
    edits: [edit('lib/session/session-repository.ts', 'if (!recent && !isSessionToken(token)) return NOBODY;', '')],
    tests: ['test/session/session-repository.test.ts'],
    title: 'cannot have issued',
  },
  {
    name: 'session id: whatever the cookie says is taken for a token',
    edits: [
      edit('lib/session/session-token.ts', 'FORMAT.test(candidate)', 'FORMAT !== undefined && candidate !== undefined'),
    ],
    tests: ['test/session/session-token.test.ts'],
  },
  {
    name: 'session: what was opened last counts, whatever the store holds',
    edits: [
      edit(
        'lib/session/recent-sessions.ts',
        'if (Buffer.compare(sealed, stored.data) !== 0) return false;',
        'void sealed;',
      ),
    ],
    tests: ['test/session/session-codec.test.ts'],
    title: 'single bit',
  },
  {
    name: 'session: an object that a store keeps counts in any generation',
    edits: [
      edit('lib/session/recent-sessions.ts', 'if (generation !== stored.generation) return false;', 'void generation;'),
    ],
    tests: ['test/session/session-codec.test.ts'],
    title: 'not even compared',
  },
  {
    name: 'session: what was read from elsewhere counts as kept',
    edits: [edit('lib/session/recent-sessions.ts', 'if (isKept) this.kept', 'if (isKept !== undefined) this.kept')],
    tests: ['test/session/session-codec.test.ts'],
    title: 'reads it anew',
  },
  {
    name: 'session cookie: the first of two counts',
    edits: [edit('lib/session/session-token.ts', "if (values.length > 1) return 'duplicate';", '')],
    tests: [cookiesTest],
    title: 'on express.*there twice',
  },
  {
    name: 'cookies: readable by scripts',
    edits: [edit(COOKIES, "'HttpOnly', ", '')],
    tests: [cookiesTest],
    title: 'host-only|__Host-',
  },
  {
    name: 'cookies: sent over plain http',
    edits: [edit(COOKIES, "this.options.base.secure && 'Secure'", 'false')],
    tests: [cookiesTest],
    title: '__Host-',
  },
  {
    name: 'cookies: sent with requests of other sites',
    edits: [edit(COOKIES, '`SameSite=${sameSite}`', "'SameSite=None'")],
    tests: [cookiesTest],
    title: 'SameSite',
  },
  {
    name: 'cookies: no __Host- by default',
    edits: [edit('lib/options/session-options.ts', "base.secure ? '__Host-sid' : 'sid'", "'sid'")],
    tests: [cookiesTest],
    title: '__Host-',
  },
  {
    name: 'cookies: logins under way pile up',
    edits: [
      edit(
        COOKIES,
        'count > MAX_PENDING || bytes > MAX_PENDING_BYTES',
        'count > 9 * MAX_PENDING || bytes > 9 * MAX_PENDING_BYTES',
      ),
    ],
    tests: [loginTest],
    title: 'on express is dropped when it is the oldest',
  },
  {
    name: 'seal: opens without the cookie',
    edits: [
      edit(
        SEALING,
        "return binding === undefined ? key.master : createHmac('sha256', key.master).update(binding).digest();",
        'return (binding && createHmac && key.master) || key.master;',
      ),
    ],
    tests: ['test/session/session-codec.test.ts'],
    title: 'needs the value of the cookie',
  },
  {
    name: 'seal: opens in another place',
    edits: [
      edit(
        SEALING,
        '.setAAD(Buffer.from(context));\n    const body',
        '.setAAD(Buffer.from(context.slice(0, 0)));\n    const body',
      ),
      edit(SEALING, 'decipher.setAAD(Buffer.from(context))', 'decipher.setAAD(Buffer.from(context.slice(0, 0)))'),
    ],
    tests: ['test/session/session-codec.test.ts'],
    title: 'another generation|another session',
  },
  {
    name: 'seal: one key for every purpose',
    edits: [
      edit(SEALING, '`nest-oidc key id ${purpose}`', '`nest-oidc key id ${purpose.slice(0, 0)}`'),
      edit(SEALING, '`nest-oidc ${purpose}`', '`nest-oidc ${purpose.slice(0, 0)}`'),
    ],
    tests: ['test/session/sealing.test.ts'],
    title: 'keeps purposes apart',
  },
  {
    name: 'session: the absolute lifetime slides',
    edits: [edit('lib/session/session.ts', '    head.absoluteExpiresAt,\n', '')],
    tests: ['test/session/session-repository.test.ts'],
    title: 'absolute lifetime',
  },
  {
    name: 'session: a read that is under way answers who comes after a logout',
    edits: [edit('lib/session/shared-reads.ts', 'this.asked.clear();', 'undefined;')],
    tests: ['test/session/session-repository.test.ts'],
    title: 'a logout may lie between',
  },
  {
    name: 'me: shows every claim',
    edits: [edit(AUTH, '.filter(([name]) => publicClaims.includes(name))', '.filter(() => publicClaims)')],
    tests: [loginJourney],
    title: 'on express.*public claims',
  },

  // Guard, origin, return address, logout
  {
    name: 'guard: takes a promise of another kind for a session',
    edits: [edit('lib/http/auth.guard.ts', 'isPending(session) ?', 'session instanceof Promise ?')],
    tests: ['test/http/cohort.test.ts'],
    title: 'waits for whatever has to be waited for',
  },
  {
    name: 'guard: lets each request go on by itself',
    edits: [edit('lib/http/auth.guard.ts', "context.getType() === 'http'", "context.getType() === 'nothing'")],
    tests: ['test/http/cohort.test.ts'],
    title: 'looks at no request',
  },
  {
    name: 'cohort: takes in who comes after it has gone',
    edits: [edit('lib/http/cohort.ts', 'this.forming = undefined;', '')],
    tests: ['test/http/cohort.test.ts'],
    title: 'those that come later',
  },
  {
    name: 'guard: lets in who is not logged in',
    edits: [edit('lib/http/auth.guard.ts', "rules.access === 'public'", "rules.access !== 'optional'")],
    tests: [platformTest],
    title: 'express|the guard',
  },
  {
    name: 'guard: lets unknown kinds of handler through',
    edits: [
      edit(
        'lib/http/auth.guard.ts',
        'if (!caller) throw new UnsupportedContextError(context.getType());',
        'if (!caller) return UnsupportedContextError.length > 0;',
      ),
    ],
    tests: [platformTest],
    title: 'the guard',
  },
  {
    name: 'origin check: not at logout',
    edits: [edit(AUTH, 'this.origins.require(request);', '')],
    tests: [loginJourney],
    title: 'on express.*logout that another site sends',
  },
  {
    name: 'origin check: not for protected routes',
    edits: [edit('lib/http/request-authenticator.ts', '    this.origins.require(request);\n', '')],
    tests: [loginJourney],
    title: 'on express.*change state',
  },
  {
    name: 'origin check: any origin',
    edits: [
      edit(
        'lib/http/origin-check.ts',
        "if (origin !== undefined && origin !== this.options.base.origin) return 'origin';",
        '',
      ),
    ],
    tests: ['test/http/origin-check.test.ts'],
  },
  {
    name: 'origin check: another site that names no origin',
    edits: [
      edit(
        'lib/http/origin-check.ts',
        "site === undefined || site === 'same-origin' || site === 'none'",
        "site !== ''",
      ),
    ],
    tests: ['test/http/origin-check.test.ts'],
  },
  {
    name: 'origin check: the header of csrfHeader is not asked for',
    edits: [edit('lib/http/request-authenticator.ts', 'this.origins.requireHeader(request);', '')],
    tests: ['test/security/origin.test.ts'],
    title: 'without the header is refused',
  },
  {
    name: 'returnTo: another host by two slashes',
    edits: [
      edit(LOCAL_PATH, "|| value.startsWith('//') ", ''),
      edit(LOCAL_PATH, 'url.origin !== ANY_ORIGIN || url.username || url.password || ', ''),
    ],
    tests: [returnToTest],
    title: 'any text as returnTo|returnTo on express',
  },
  {
    name: 'returnTo: another host by a backslash',
    edits: [
      edit(LOCAL_PATH, '\\u007f\\\\]', '\\u007f]'),
      edit(LOCAL_PATH, 'url.origin !== ANY_ORIGIN || url.username || url.password || ', ''),
      edit(LOCAL_PATH, 'const path = url.pathname + url.search + url.hash;', 'const path = value;'),
    ],
    tests: [returnToTest],
    title: 'any text as returnTo|returnTo on express',
  },
  {
    name: 'returnTo: another host by dots',
    edits: [edit(LOCAL_PATH, " || url.pathname.startsWith('//')", '')],
    tests: [returnToTest],
    title: 'any text as returnTo|returnTo on express',
  },
  {
    name: 'returnTo: not checked at all',
    edits: [
      edit(
        'lib/login/return-to.ts',
        'const path = localPath(value);',
        'const path = localPath(value) && String(value);',
      ),
    ],
    tests: [returnToTest],
    title: 'returnTo on express',
  },
  {
    name: 'returnTo: not checked again when it is used',
    edits: [
      edit(CALLBACK, 'const returnTo = this.returnTo.resolve(request.returnTo);', 'const { returnTo } = request;'),
    ],
    tests: [returnToTest],
    title: 'returnTo on express is checked again',
  },
  {
    name: 'returnTo: leads to our own routes',
    edits: [edit('lib/login/return-to.ts', 'path === undefined || this.isOwnRoute(path)', 'path === undefined')],
    tests: [returnToTest],
    title: 'on express.*a route of our own',
  },
  {
    name: 'logout: the session stays in the store',
    edits: [
      edit('lib/logout/logout.service.ts', "(await this.sessions.endLatest(loaded, 'logout')) ?? loaded", 'loaded'),
    ],
    tests: ['test/logout/logout-service.test.ts'],
    title: 'ends the session, and tells why',
  },
  {
    name: 'logout: a session that cannot be read here stays in the store',
    edits: [edit('lib/logout/logout.service.ts', 'if (token !== undefined) await', 'if (token === null) await')],
    tests: ['test/logout/logout-service.test.ts'],
    title: 'that cannot be read, by its token',
  },
  {
    name: 'logout: the refresh token that came meanwhile stays alive',
    edits: [edit('lib/session/session-repository.ts', '(latest ?? loaded)', 'loaded')],
    tests: ['test/logout/logout-service.test.ts'],
    title: 'came with a refresh meanwhile',
  },

  {
    name: 'cookie: a late answer to a script takes that of a new login away',
    edits: [
      edit(
        'lib/http/oidc-exception.filter.ts',
        '|| isNavigation(request) || this.tokens.learnsOfEnd(request)',
        '|| true',
      ),
    ],
    tests: [cookiesTest],
    title: 'on express is left by the answer 401',
  },

  // Sockets
  {
    name: 'sockets: visitors get what is for users, after what is for both',
    edits: [
      edit(
        'lib/http/auth.guard.ts',
        "if (!session && !isOptional) throw new LoginRequiredError('Nobody is logged in.');",
        'void LoginRequiredError;',
      ),
      edit(
        'lib/http/socket-sessions.ts',
        'if (session || options.anonymous) return session;',
        'if (options) return session;',
      ),
    ],
    tests: ['test/transports/graphql.test.ts'],
    title: 'Apollo on express in subscriptions refuses visitors',
  },
  {
    name: 'sockets: a connection that is reset ends the process',
    edits: [edit('lib/websockets/oidc-io.adapter.ts', '      outliveReset(request, response);\n', '')],
    tests: ['test/transports/websockets.test.ts'],
    title: 'socket.io over WebSocket on express that resets',
  },
  {
    name: 'sockets: a header makes a request one',
    edits: [edit('lib/http/caller.ts', 'request.upgrade === true &&', "request.headers.upgrade === 'websocket' &&")],
    tests: ['test/transports/graphql.test.ts'],
    title: 'Apollo on express takes no request for a WebSocket',
  },
  {
    name: 'sockets: one that has left its namespace outlives its session',
    edits: [edit('lib/websockets/oidc-io.adapter.ts', '        connection.close();\n', '')],
    tests: ['test/transports/websockets.test.ts'],
    title: 'that has left',
  },
  {
    name: 'requests: judged by what another application has found',
    edits: [
      edit('lib/session/session.service.ts', 'return slotOf(request).loadingOf(this) !== undefined;', 'return true;'),
    ],
    tests: ['test/security/two-applications.test.ts'],
  },
  {
    name: 'sockets, GraphQL: judged by the first message, the first field',
    edits: [
      edit(
        'lib/authorization/authorization.guard.ts',
        '    await this.authGuard.canActivate(context);',
        '    if (!currentSessionIn(context)) await this.authGuard.canActivate(context);',
      ),
    ],
    tests: ['test/transports/graphql.test.ts'],
    title: 'Apollo on express without a global guard',
  },

  // Back-channel logout
  {
    name: 'logout token: nonce may be there',
    edits: [edit(LOGOUT_TOKEN, "['nonce', nonce === undefined],", "['nonce', nonce !== 7],")],
    tests: [logoutTokenTest],
    title: 'is refused, and no key is fetched',
  },
  {
    name: 'logout token: events not looked at',
    edits: [
      edit(
        LOGOUT_TOKEN,
        "['events', isObject(events) && isObject(events[EVENT])],",
        "['events', !isObject(EVENT) || isObject(events)],",
      ),
    ],
    tests: [logoutTokenTest],
    title: 'is refused, and no key is fetched',
  },
  {
    name: 'logout token: any object of events will do',
    edits: [edit(LOGOUT_TOKEN, ' && isObject(events[EVENT])', ' && EVENT.length > 0')],
    tests: [logoutTokenTest],
    title: 'is refused, and no key is fetched',
  },
  {
    name: 'logout token: signature not verified',
    edits: [
      edit(
        LOGOUT_TOKEN,
        'return asLogoutToken(await this.verify(logoutToken));',
        'return asLogoutToken(decode(logoutToken).claims);',
      ),
    ],
    tests: [logoutTokenTest],
    title: 'is refused for its signature',
  },
  {
    name: 'logout token: another class of token is taken for one',
    edits: [edit(LOGOUT_TOKEN, "['typ', isOfType(header.typ, TYPES)],", "['typ', isOfType('jwt', TYPES)],")],
    tests: [logoutTokenTest],
    title: 'is refused, and no key is fetched',
  },
  {
    name: 'logout token: for another client',
    edits: [
      edit(
        LOGOUT_TOKEN,
        "['aud', isForClient(claims.aud, this.options)],",
        "['aud', isForClient(this.options.clientId, this.options)],",
      ),
    ],
    tests: [logoutTokenTest],
    title: 'is refused, and no key is fetched',
  },
  {
    name: 'logout token: without jti',
    edits: [edit(LOGOUT_TOKEN, "['jti', typeof claims.jti === 'string' && claims.jti !== ''],", '')],
    tests: [logoutTokenTest],
    title: 'is refused, and no key is fetched',
  },

  {
    name: 'back-channel logout: a logout token works again',
    edits: [edit(PROVIDER_LOGOUT, 'if (await this.notes.isReplay(jti)) return', 'if (jti.length === 0) return')],
    tests: [providerLogoutTest],
    title: 'with a token that comes again',
  },
  {
    name: 'back-channel logout: ends sessions that began later',
    edits: [edit(PROVIDER_LOGOUT, '.filter((entry) => entry.issuedAt <= issuedAt)', '')],
    tests: [providerLogoutTest],
    title: 'began after the logout',
  },
  {
    name: 'back-channel logout: one of sid and sub is enough',
    edits: [
      edit(
        PROVIDER_LOGOUT,
        'return ofSub ? ids.filter((id) => ofSub.some((entry) => entry.id === id)) : ids;',
        'return ids;',
      ),
    ],
    tests: [providerLogoutTest],
    title: 'only sessions of both',
  },
  {
    name: 'back-channel logout: a login under way makes its session all the same',
    edits: [edit('lib/login/session-opener.ts', 'if (await this.notes.concern(', 'if (!this.notes.concern(')],
    tests: ['test/security/overtaken-login.test.ts'],
  },
  {
    name: 'front-channel logout: by any issuer',
    edits: [edit(PROVIDER_LOGOUT, 'if (iss !== this.options.issuer) return;', '')],
    tests: [providerLogoutTest],
    title: 'another issuer’s',
  },

  // Options
  {
    name: 'options: none as an algorithm',
    edits: [
      edit(
        OPTIONS,
        'if (unknown.length > 0 || idToken.signingAlgorithms.length === 0)',
        'if (idToken.signingAlgorithms.length === 0)',
      ),
    ],
    tests: [refusalsTest],
    title: 'signingAlgorithms',
  },
  {
    name: 'options: a short secret',
    edits: [
      edit(
        'lib/options/secret-check.ts',
        'if (secret.length < MIN_SECRET_LENGTH)',
        'if (secret.length < MIN_SECRET_LENGTH / 4)',
      ),
    ],
    tests: [refusalsTest],
    title: 'secret',
  },
  {
    name: 'logs: a line break forges a line',
    edits: [
      edit(
        'lib/common/events.ts',
        '.slice(0, MAX_LOGGED_LENGTH).replace(',
        ".slice(0, MAX_LOGGED_LENGTH).concat().replaceAll(/\\u0000/gu, ' ') || text.replace(",
      ),
    ],
    tests: ['test/common/events.test.ts'],
  },
  // Process cache
  {
    name: 'process cache: a lost connection forgets nothing',
    edits: [
      edit(
        TRACKING,
        'this.heardAt = Number.NEGATIVE_INFINITY;\n    this.options.onChange(undefined);',
        'this.heardAt = this.clock.now();',
      ),
    ],
    tests: [cacheFaultsTest],
    title: 'cuts its connection',
  },
  {
    name: 'process cache: a change while a session is read is overlooked',
    edits: [edit(PROCESS_CACHE, 'if (this.fills.get(key) !== fill) return;', '')],
    tests: [cacheFaultsTest],
    title: 'changed while it was read',
  },
  {
    name: 'process cache: a silent connection is trusted',
    edits: [edit(TRACKING, 'Math.abs(at - this.heardAt) < this.options.maxSilenceMs', 'this.isProven')],
    tests: [cacheFaultsTest],
    title: 'Redis has been silent',
  },
  {
    name: 'process cache: tracking is believed before it was tried',
    edits: [edit(TRACKING, 'await this.options.write(key);', 'this.isProven = true;')],
    tests: [cacheFaultsTest],
    title: 'swallows what it tells',
  },
  {
    name: 'process cache: a session under refresh is kept',
    edits: [edit(PROCESS_CACHE, '!this.suspended.get(key) &&', '')],
    tests: [cacheTest],
    title: 'refresh is under way',
  },
  {
    name: 'process cache: what this process has written is overlooked',
    edits: [
      edit(
        'lib/store/redis-session-store.ts',
        'return await write();\n    } finally {\n      this.cache?.forget(key);',
        'return await write();\n    } finally {\n      this.cache?.isOn();',
      ),
      edit('lib/store/redis-session-store.ts', 'this.cache?.forget(key);\n    try {', 'this.cache?.isOn();\n    try {'),
      edit(PROCESS_CACHE, 'this.suspended.delete(key);\n    this.forget(key);', 'this.suspended.delete(key);'),
    ],
    tests: [cacheFaultsTest],
    title: 'this process has written',
  },
  {
    name: 'process cache: the time to live in Redis is overlooked',
    edits: [edit(PROCESS_CACHE, 'Math.min(session.expiresAt, read.expiresAt)', 'session.expiresAt')],
    tests: [cacheTest],
    title: 'by the clock of Redis alone',
  },
];

function edit(file, find, replace) {
  return { file, find, replace };
}
