/**
 * Every security requirement of the library: M must hold, S should, C could. A test that proves one carries its id in
 * square brackets in its title or its describe's title. What no test can show from outside says how it was `reviewed`;
 * what binds only with a feature that the library does not have says so in `notApplicable`; what is knowingly not held
 * says so in `open`, which a must cannot.
 */
const stepUp = 'Step-up is not part of the library.';
const dpop = 'DPoP is not part of the library.';
const proxy = 'A BFF proxy is not part of the library.';

export const areas = [
  {
    title: 'Configuration and start',
    rows: [
      must(
        'CFG-01',
        'The issuer is an https URL without query, fragment or user; http only on loopback, when allowed, never in production.',
      ),
      must('CFG-02', 'An issuer with /.well-known/ in its path is refused at start.'),
      must('CFG-03', 'The public address and the redirect URI are configured, never taken from a request.'),
      must(
        'CFG-04',
        'Secrets have 32 random characters or more and can be rotated; short, repetitive and well-known ones are refused.',
      ),
      must(
        'CFG-05',
        'ID tokens are signed by an algorithm of an allow-list that cannot hold none or HS*; metadata never widens it.',
      ),
      must(
        'CFG-06',
        'The client is confidential unless told otherwise; its method is explicit; private_key_jwt works, with one audience.',
      ),
      should('CFG-07', 'An option that is unknown or misspelt is refused at start.'),
      must(
        'CFG-08',
        'Cookie options that contradict each other or the address of the application are refused at start.',
      ),
      must(
        'CFG-09',
        'Answers of several providers cannot be mixed up: the module is registered once, for one provider.',
      ),
      must('CFG-10', 'The scope always contains openid, and only configured scopes are asked for.'),
      should('CFG-11', 'Sessions in memory in production cause one warning at start.'),
      could('CFG-12', 'Registering the module twice is refused.'),
    ],
  },
  {
    title: 'Discovery and requests to the provider',
    rows: [
      must(
        'NET-01',
        'The issuer of the metadata equals the configured one, character by character; otherwise nobody is sent there.',
      ),
      must('NET-02', 'No request to the provider follows a redirect.'),
      must(
        'NET-03',
        'Every request to the provider has a deadline that includes the body; none that changes something is repeated.',
      ),
      should('NET-04', 'Answers of the provider are cut off at a size, before they are read to their end.'),
      must('NET-05', 'All endpoints are https, and certificates are always checked.'),
      must(
        'NET-06',
        'Metadata is fetched by one request however many wait; failures are soon forgotten; no restart is needed.',
      ),
      should('NET-07', 'Metadata is renewed, used on during an outage, and never replaced by that of another issuer.'),
      must('NET-08', 'No address from a browser or a token is ever fetched.'),
      could('NET-09', 'The hosts of endpoints can be limited to a list.'),
      must('NET-10', 'The credentials of the client go to its provider only, and never into a URL.'),
    ],
  },
  {
    title: 'Authorization request',
    rows: [
      must('ARQ-01', 'Only the code flow is asked for.'),
      must('ARQ-02', 'State, nonce and code verifier are random, 256 bits each, new for each login, and never equal.'),
      must('ARQ-03', 'PKCE with S256 on every login.'),
      must(
        'ARQ-04',
        'A login is bound to the browser that began it, by an HttpOnly cookie that holds all the callback must compare.',
      ),
      must('ARQ-05', 'A login can be finished for ten minutes, once, by the clock of the server.'),
      must(
        'ARQ-06',
        'The browser sets only parameters that are opted in, and neither replaces nor repeats those of the library.',
      ),
      should(
        'ARQ-07',
        'Pushed authorization requests are used where the provider demands them, and their failure ends the login.',
      ),
      should('ARQ-08', 'Only top-level navigations start a login: not HEAD, prefetches, images or scripts.'),
      should('ARQ-09', 'An authorization endpoint that presets parameters of ours is refused.'),
    ],
  },
  {
    title: 'Authorization response',
    rows: [
      must('CB-01', 'The state is there once and is that of a login of this browser; other logins stay as they are.'),
      must('CB-02', 'Without the cookie of the login it is refused before any token request, also with a good code.'),
      must(
        'CB-03',
        'A login is used up in one atomic step before the token request: identical callbacks cause one request.',
      ),
      must('CB-04', 'The iss parameter must be exactly the issuer, and be there when the provider promises it.'),
      must('CB-05', 'A repeated parameter is refused.'),
      must('CB-06', 'Parameters of other flows are refused.'),
      must('CB-07', 'An error counts only after the state was checked; its text is never shown.'),
      must('CB-08', 'The redirect URI of the token request is the configured one, whatever the request target was.'),
      must(
        'CB-09',
        'A login makes a new session id, ends the old session, clears its cookie and leads to returnTo by 303.',
      ),
      must('CB-10', 'Nothing of an earlier session is carried over.'),
      must('CB-11', 'Tokens and claims are unused until every check of the ID token has passed.'),
      should('CB-12', 'A callback that comes again leaves a live session alone and sends no token request.'),
      must('CB-13', 'HEAD, OPTIONS and prefetches never use up a code or a login.'),
      must('CB-14', 'Only GET is answered at the callback.'),
      must('CB-15', 'A silent login that comes back for another user ends the session instead of replacing its user.'),
    ],
  },
  {
    title: 'Token response and ID token',
    rows: [
      must(
        'TOK-01',
        'Only a 200 with a JSON object with an access token, a known type and an ID token is a token response.',
      ),
      must('TOK-02', 'An answer with an error is a failure, whatever its status.'),
      must('TOK-03', 'expires_in is a number or digits, a year at most; absent means unknown.'),
      should('TOK-04', 'Where DPoP is configured, another token type is refused.', { notApplicable: dpop }),
      must('TOK-05', 'The access token is opaque: nothing is read out of it.'),
      must('IDT-01', 'The signature of the ID token is always verified, with a key of the issuer.'),
      must('IDT-02', 'Only algorithms of the allow-list are accepted, never none or HS*.'),
      must('IDT-03', 'iss is exactly the issuer.'),
      must('IDT-04', 'aud contains the client; other audiences only if trusted; none twice.'),
      should('IDT-05', 'azp, when it is there, is the client.'),
      must('IDT-06', 'exp and nbf are enforced, with a tolerance of 30 seconds, 60 at most.'),
      should('IDT-07', 'iat is there, not in the future and not older than ten minutes.'),
      must('IDT-08', 'nonce is exactly that of the login.'),
      must(
        'IDT-09',
        'sub is text of 1 to 255 characters without control characters; the user is named by iss and sub.',
      ),
      must('IDT-10', 'With max_age, auth_time is there, recent enough and not in the future.'),
      must('IDT-11', 'Where acr_values were demanded, acr must satisfy them.', {
        notApplicable: `${stepUp} Who sends acr_values can check acr in mapClaims.`,
      }),
      should('IDT-12', 'at_hash, when it is there, matches.'),
      should('IDT-13', 'Tokens of another class are refused.'),
      must('IDT-14', 'Keys that a token brings along or points at are never used; crit is refused.'),
      should('IDT-15', 'An ID token has 64 KiB at most.'),
      could('IDT-16', 'An encrypted ID token is refused: nobody has asked for one.'),
      should('IDT-17', 'email is no identity, and comes with email_verified as it was.'),
    ],
  },
  {
    title: 'UserInfo and keys',
    rows: [
      must('UIN-01', 'The sub of UserInfo is that of the ID token; otherwise the login fails.'),
      must('UIN-02', 'The access token is sent in the Authorization header only.'),
      must('UIN-03', 'UserInfo never overwrites protocol claims.'),
      should('UIN-04', 'A signed UserInfo response is never taken unverified.'),
      must('UIN-05', 'Claims that point elsewhere are not fetched.'),
      must('JWK-01', 'An unknown key id causes one fetch of the keys, also right after the last one.'),
      must('JWK-02', 'Fetches of keys are bounded: nobody can cause a storm of them.'),
      should('JWK-03', 'A key that was removed stops working within ten minutes.'),
      must(
        'JWK-04',
        'Keys are chosen by what they are for; weak, symmetric and private ones are not used and spoil no others.',
      ),
      should('JWK-05', 'While keys cannot be fetched, known ones go on verifying and unknown ones fail.'),
    ],
  },
  {
    title: 'Refresh',
    rows: [
      must('REF-01', 'One refresh for all requests of a session, on all processes.'),
      must('REF-02', 'The lock has one owner, outlasts the request, ends by itself, and a late holder cannot write.'),
      must(
        'REF-03',
        'The new refresh token is in the store before the new access token is used; one that is absent keeps the old.',
      ),
      must('REF-04', 'A refreshed ID token is of the same issuer, user, client and login.'),
      must('REF-05', 'Otherwise the new tokens are dropped, the session ends, and that is an alarm.'),
      must('REF-06', 'A refused refresh token ends its session, at once, and no other.'),
      must('REF-07', 'A transient failure keeps the session, is not repeated in a hurry, and ends in 503.'),
      must('REF-08', 'A session that ended is never brought back by a refresh; tokens that come too late are revoked.'),
      must('REF-09', 'A refresh never extends the absolute lifetime.'),
      must('REF-10', 'Waiting for a refresh has an end, and other sessions do not wait.'),
      could('REF-11', 'A scope that grew at a refresh is noticed.'),
      must('REF-12', 'Tokens of one user never reach another.'),
    ],
  },
  {
    title: 'Session and cookies',
    rows: [
      must(
        'SES-01',
        'A session id has 256 random bits and comes from the server; one that is unknown is never adopted.',
      ),
      should('SES-02', 'The store knows a hash of the session id only.'),
      must('SES-03', 'Idle timeout and absolute lifetime are enforced by the server.'),
      must('SES-04', 'An ended session is ended on the server: its cookie gets 401 everywhere.'),
      must('SES-05', 'A malformed session id never reaches the store.'),
      must('SES-06', 'What was made for one purpose is worthless for another.'),
      must('SES-07', 'A stored session that cannot be read is no session, is logged, and never an endless error.'),
      must('SES-08', 'Visitors get no session and no cookie.'),
      should('SES-09', 'Sessions can be listed and ended by user and by id.'),
      could('SES-10', 'The number of sessions of a user can be limited.'),
      should('SES-11', 'What the store holds is encrypted and bound to its session.'),
      must('SES-12', 'No token is readable by the browser; only claims of an allow-list are shown.'),
      must('SES-13', 'A store that fails never lets anybody in.'),
      could('SES-14', 'The provider can limit the lifetime of a session.'),
      must('COK-01', 'Cookies are __Host-, Secure, HttpOnly, Path=/, SameSite=Lax and without Domain.'),
      must('COK-02', 'Cookies stay within what browsers and proxies hold; five logins under way at most.'),
      must('COK-03', 'A cookie is deleted with the attributes it was set with.'),
      must('COK-04', 'The cookie of a login is encrypted and authenticated; nothing in it can be read.'),
      should('COK-05', 'Two session cookies in one request are refused and cleared.'),
    ],
  },
  {
    title: 'Logout',
    rows: [
      must(
        'LGO-01',
        'The session ends in the store first, then in the browser, then at the provider, whose failure changes nothing.',
      ),
      must('LGO-02', 'Logout is a POST from one of our own pages.'),
      must(
        'LGO-03',
        'The provider gets id_token_hint, client_id and the configured address to come back to, never one of a request.',
      ),
      must('LGO-04', 'Coming back from the provider works with any state, logs nobody in and leads nowhere else.'),
      must('LGO-05', 'Without a logout at the provider the user comes to a page of the application.'),
      must('LGO-06', 'Logging out twice or without a session works, and clears logins under way.'),
      should('LGO-07', 'The refresh token is revoked at logout.'),
      could('LGO-08', 'A logout URL does not grow too long.'),
      could('LGO-09', 'Clear-Site-Data can be sent; no-store always is.'),
    ],
  },
  {
    title: 'Back-channel and front-channel logout',
    rows: [
      must('BCL-01', 'A POST with one logout_token: 200 when it worked, 400 when it is invalid, no-store, no cookie.'),
      must('BCL-02', 'The signature of a logout token is verified as that of an ID token.'),
      must('BCL-03', 'iss, aud, iat, exp and jti of a logout token are checked.'),
      must('BCL-04', 'events has the logout event, nonce is absent, sub or sid is there.'),
      must('BCL-05', 'A token of another class is no logout token.'),
      must('BCL-06', 'sid ends that session, sub all of the user, both those where both match; none is fine.'),
      must('BCL-07', 'A sid that equals somebody’s sub, or is of another issuer, logs nobody out.'),
      must('BCL-08', 'It works on all processes with the next request.'),
      should('BCL-09', 'A logout that overtakes a login or a refresh still counts.'),
      should('BCL-10', 'A logout token that comes again ends no newer session.'),
      must('BCL-11', 'Size and cheap checks come before any fetch of keys; neither cookie nor origin is needed.'),
      should(
        'FCL-01',
        'Front-channel logout is off; where it is on, it ends the sessions of iss and sid, and nothing else.',
      ),
    ],
  },
  {
    title: 'Browser requests',
    rows: [
      must('BFF-01', 'With csrfHeader, a request that changes something with a session must carry that header.'),
      must('BFF-02', 'A request that changes something with a session comes from the own origin.'),
      must('BFF-03', 'A request cannot influence where it is proxied to.', { notApplicable: proxy }),
      must('BFF-04', 'Cookies and forwarded headers are not passed on.', { notApplicable: proxy }),
      must('BFF-05', 'Tokens never appear in an answer to a browser.'),
      must('BFF-06', 'Redirects and cookies of an upstream are not passed on.', { notApplicable: proxy }),
      must(
        'BFF-07',
        'An API call without a session gets 401 as JSON; an upstream 401 causes one refresh and one retry at most.',
      ),
      must('BFF-08', 'Proxied answers are not cached.', { notApplicable: proxy }),
      should(
        'BFF-09',
        'A WebSocket handshake is checked for origin and session, and the socket ends with the session.',
      ),
      should('BFF-10', 'Proxied methods, bodies and times are limited.', { notApplicable: proxy }),
    ],
  },
  {
    title: 'Redirects, errors, logs, abuse, platform',
    rows: [
      must('RET-01', 'returnTo is a path of this application; anything else leads to the default page.'),
      must('RET-02', 'The same check holds wherever a target comes from, and again when it is used.'),
      must('RET-03', 'A Location is ASCII and percent-encoded, and no input makes it an error 500.'),
      should('RET-04', 'returnTo to one of our own routes is replaced.'),
      should('RET-05', 'Only a navigation by GET is remembered as the place to return to.'),
      must('ERR-01', 'Whatever throws, nobody is let in and the process lives on.'),
      must('ERR-02', 'Errors show a code and a correlation id, escaped, as HTML or JSON as asked for.'),
      must('LOG-01', 'Everything that matters for security is an event.'),
      must('LOG-02', 'No code, token, verifier, state, cookie or secret is ever logged.'),
      must('LOG-03', 'Nothing from outside can forge a line of the log.'),
      must('DOS-01', 'A flood of logins costs no store and no memory, and ends no session.'),
      should('DOS-02', 'Too many cookies of logins are impossible to plant and go away by themselves.'),
      must('DOS-03', 'No input costs more than in proportion to its length.'),
      could('DOS-04', 'Rate limits are documented.', {
        reviewed: 'SECURITY.md says that they are the application’s or its proxy’s.',
      }),
      must('HST-01', 'Host and forwarded headers influence nothing.'),
      must('TYP-01', 'Input is checked for its type before use, and cannot reach a prototype.'),
      must('NST-01', 'The guard cannot be passed by another spelling of the path or another method.'),
      must('NST-02', 'The guard refuses what it does not know; opening a route is explicit.'),
      must('NST-03', 'The session object is frozen, and no request shares state with another.'),
      should('NST-04', 'Global pipes, filters, interceptors, prefixes and versions of the application break nothing.'),
      should('STP-01', 'Step-up answers 401 and rotates the session id.', { notApplicable: stepUp }),
      should('SIL-01', 'Outcomes of a silent login are no errors, and it does not go round in circles.'),
      should('SUP-01', 'Dependencies are pinned, and their minimum versions documented.', {
        reviewed:
          'package-lock.json pins; package.json and the README name the minimum versions. `npm run sbom` prints an SBOM.',
      }),
    ],
  },
];

function must(id, requirement, more = {}) {
  return { id, priority: 'M', requirement, ...more };
}

function should(id, requirement, more = {}) {
  return { id, priority: 'S', requirement, ...more };
}

function could(id, requirement, more = {}) {
  return { id, priority: 'C', requirement, ...more };
}
