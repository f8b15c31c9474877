import {
  compactVerify,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type GenerateKeyPairResult,
  type JWK,
  type JWTPayload,
} from 'jose';

const ALGORITHM = 'RS256';
const KEY_ID = 'test-key';

/** The provider's signing key. */
export class Signer {
  private constructor(
    private readonly pair: GenerateKeyPairResult,
    /** The key set, as `jwks_uri` shows it. */
    readonly keySet: { readonly keys: readonly JWK[] },
  ) {}

  static async create(): Promise<Signer> {
    const pair = await generateKeyPair(ALGORITHM);
    const jwk = await exportJWK(pair.publicKey);
    return new Signer(pair, { keys: [{ ...jwk, kid: KEY_ID, alg: ALGORITHM, use: 'sig' }] });
  }

  sign(claims: JWTPayload, typ: string): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID, typ }).sign(this.pair.privateKey);
  }

  /** The claims of a token that this key has signed, however old it is: `undefined` for any other text. */
  async claimsOf(jwt: string): Promise<JWTPayload | undefined> {
    try {
      await compactVerify(jwt, this.pair.publicKey);
    } catch {
      return undefined;
    }
    return decodeJwt(jwt);
  }
}
