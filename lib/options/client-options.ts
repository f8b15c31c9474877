import type { ClientAuthentication, ClientPrivateKey } from './oidc-options.js';
import type { OptionReader } from './option-reader.js';
import type { ResolvedOptions } from './resolved-options.js';
import { problemOfSecret } from './secret-check.js';

const CLIENT_AUTHENTICATIONS: readonly ClientAuthentication[] = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
];

export const SIGNING_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** How the client proves to the provider that it is the client (OpenID Connect Core 1.0 §9). */
export function readClientAuthentication(
  reader: OptionReader,
): Pick<ResolvedOptions, 'clientSecret' | 'clientAuthentication' | 'clientPrivateKey'> {
  const clientSecret = reader.string('clientSecret');
  const clientPrivateKey = readPrivateKey(reader);
  const chosen = reader.oneOf('clientAuthentication', CLIENT_AUTHENTICATIONS);
  const clientAuthentication = chosen ?? (clientPrivateKey ? 'private_key_jwt' : 'client_secret_basic');
  const needsSecret = clientAuthentication.startsWith('client_secret_');
  const needsKey = clientAuthentication === 'private_key_jwt';
  if (needsSecret && !clientSecret) {
    reader.problem(
      'clientSecret',
      `is missing; ${clientAuthentication} needs it (or set clientAuthentication to private_key_jwt or none)`,
    );
  }
  if (needsKey && !clientPrivateKey) reader.problem('clientPrivateKey', 'is missing; private_key_jwt needs it');
  if (!needsSecret && clientSecret) {
    reader.problem('clientSecret', `is not used by ${clientAuthentication}; remove it or change clientAuthentication`);
  }
  if (!needsKey && clientPrivateKey) {
    reader.problem(
      'clientPrivateKey',
      `is not used by ${clientAuthentication}; remove it or change clientAuthentication`,
    );
  }
  return { clientSecret, clientAuthentication, clientPrivateKey };
}

function readPrivateKey(reader: OptionReader): ClientPrivateKey | undefined {
  if (reader.raw('clientPrivateKey') === undefined) return undefined;
  const nested = reader.nested('clientPrivateKey');
  const key = nested.raw('key');
  const isPem = typeof key === 'string' && key.includes('-----BEGIN PRIVATE KEY-----');
  const isJwk = typeof key === 'object' && key !== null && 'kty' in key && 'd' in key;
  if (!isPem && !isJwk) nested.problem('key', 'must be a private key: PKCS#8 in PEM, or a JWK');
  const keyId = nested.string('keyId');
  const algorithm = nested.oneOf('algorithm', SIGNING_ALGORITHMS);
  nested.refuseUnknownKeys();
  return {
    key: (isJwk ? structuredClone(key) : key) as ClientPrivateKey['key'],
    ...(keyId === undefined ? {} : { keyId }),
    ...(algorithm === undefined ? {} : { algorithm }),
  };
}

/** What cookies and sessions are sealed with, newest first. */
export function readSecrets(reader: OptionReader): readonly string[] {
  const value = reader.raw('secret');
  if (value === undefined) {
    reader.problem('secret', 'is missing; use 32 random characters or more, e.g. of `openssl rand -base64 48`');
    return [];
  }
  const secrets: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (secrets.length === 0) reader.problem('secret', 'must name at least one secret');
  for (const [index, secret] of secrets.entries()) {
    const problem = problemOfSecret(secret);
    if (problem) {
      const name = Array.isArray(value) ? `secret[${index}]` : 'secret';
      reader.problem(name, `${problem}; use e.g. the output of \`openssl rand -base64 48\``);
    }
  }
  if (new Set(secrets).size !== secrets.length) reader.problem('secret', 'names the same secret twice');
  return [...secrets] as readonly string[];
}
