import { constants, createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export type SigningAlgorithm = 'RS256' | 'RS384' | 'PS256' | 'ES256' | 'EdDSA';

/** A key pair of a provider. `jwk` is its public half as a key set shows it. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: Record<string, unknown>;
}

export function newSigningKey(kid: string, alg: SigningAlgorithm = 'RS256', modulusLength = 2048): SigningKey {
  const { privateKey, publicKey } = newKeyPair(alg, modulusLength);
  return { kid, alg, privateKey, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

function newKeyPair(alg: SigningAlgorithm, modulusLength: number): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength });
}

/** A JWS in compact form, of whatever it is told: unlike a library, it has no opinion about what makes sense. */
export function compactJws(header: object, payload: unknown, signature: (input: Buffer) => Uint8Array): string {
  const input = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${input}.${Buffer.from(signature(Buffer.from(input))).toString('base64url')}`;
}

/** A JWT whose signature proves nothing. */
export function unsignedJwt(claims: object): string {
  return compactJws({ alg: 'RS256' }, claims, () => Buffer.alloc(3));
}

/** Signs as the key's algorithm says. */
export function signatureBy({ alg, privateKey }: SigningKey): (input: Buffer) => Buffer {
  switch (alg) {
    case 'RS256':
      return (input) => sign('sha256', input, privateKey);
    case 'RS384':
      return (input) => sign('sha384', input, privateKey);
    case 'PS256':
      return (input) =>
        sign('sha256', input, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
    case 'ES256':
      return (input) => sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    case 'EdDSA':
      return (input) => sign(null, input, privateKey);
    default:
      return alg satisfies never;
  }
}

/** HS256 under any bytes: a client secret, or a public key that is mistaken for a secret. */
export function hmacBy(secret: string): (input: Buffer) => Buffer {
  return (input) => createHmac('sha256', secret).update(input).digest();
}
