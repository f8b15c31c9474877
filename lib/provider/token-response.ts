import { isServedAsJson, type RawAnswer } from './provider-call.js';
import type { TokenSet } from './token-set.js';

const MAX_LIFETIME_SECONDS = 31_536_000;

/** Whole seconds, as a number or in digits, at most a year; `undefined` when absent; else `'invalid'` (RFC 6749 §5.1). */
function parseLifetime(value: unknown): number | 'invalid' | undefined {
  if (value === undefined || value === null) return undefined;
  const seconds = typeof value === 'string' && /^\d{1,15}$/u.test(value) ? Number(value) : value;
  if (!isWhole(seconds) || seconds < 0) return 'invalid';
  return Math.min(seconds, MAX_LIFETIME_SECONDS);
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

/** `true` for a 200 with a JSON object that has an access token and no `error` (CVE-2021-41580). */
export function isTokenResponse(answer: RawAnswer): boolean {
  const { status, json } = answer;
  return (
    status === 200 && isServedAsJson(answer) && typeof json['access_token'] === 'string' && json['error'] === undefined
  );
}

/**
 * `true` when every member that a login needs is what RFC 6749 §5.1 and OpenID Connect Core 1.0 §3.1.3.3 say, and the
 * access token is one that we can present: what fails after that is the ID token.
 */
export function isLoginResponse(answer: RawAnswer): boolean {
  const { json } = answer;
  return (
    isTokenResponse(answer) &&
    json['access_token'] !== '' &&
    String(json['token_type']).toLowerCase() === 'bearer' &&
    parseLifetime(json['expires_in']) !== 'invalid' &&
    [json['refresh_token'] ?? '', json['scope'] ?? '', json['id_token']].every((member) => typeof member === 'string')
  );
}

/** The `error` member of the answer (RFC 6749 §5.2), whatever its status. */
export function errorOf({ json }: RawAnswer): string | undefined {
  const { error } = json;
  return typeof error === 'string' ? error : undefined;
}

/** Reads a token response that `openid-client` has accepted. What the provider left out is `undefined`. */
export function tokenSetOf(json: Readonly<Record<string, unknown>>, receivedAt: number): TokenSet {
  return {
    accessToken: String(json['access_token']),
    tokenType: String(json['token_type']),
    issuedAt: receivedAt,
    expiresAt: expiry(json['expires_in'], receivedAt),
    refreshToken: text(json['refresh_token']),
    refreshTokenExpiresAt: refreshTokenExpiry(json, receivedAt),
    idToken: text(json['id_token']),
    scope: text(json['scope']),
  };
}

function expiry(lifetime: unknown, receivedAt: number): number | undefined {
  const seconds = parseLifetime(lifetime);
  return typeof seconds === 'number' ? receivedAt + seconds * 1000 : undefined;
}

/** Not in RFC 6749. Keycloak sends `refresh_expires_in`, 0 for "never"; Duende, Entra and others the longer name. */
function refreshTokenExpiry(json: Readonly<Record<string, unknown>>, receivedAt: number): number | undefined {
  const seconds = parseLifetime(json['refresh_expires_in'] ?? json['refresh_token_expires_in']);
  return typeof seconds === 'number' && seconds > 0 ? receivedAt + seconds * 1000 : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
