import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Claims } from '../common/claims.js';
import type { TokenSecrets } from './session.js';

/** What most tokens have in common: a preset dictionary, as that of `packing.ts`, and as impossible to change. */
const LIKELY =
  '{"realm_access":{"roles":["offline_access","uma_authorization"]},"resource_access":{"account":{"roles":["' +
  '"tid":"","oid":"","ver":"2.0","acr":"1","amr":["pwd","mfa"],"at_hash":"","nonce":"","sid":"","auth_time":17,"nbf":17,' +
  '{"iss":"https://login.","sub":"","aud":["https://api.","client_id":"","azp":"","jti":"","scp":"","iat":17,"exp":17,' +
  '"scope":"openid profile email offline_access"}{"alg":"ES256","kid":"{"alg":"RS256","kid":"","typ":"JWT"}' +
  '{"alg":"RS256","typ":"at+jwt","kid":"{"alg":"RS256","typ":"JWT","kid":"' +
  '{"tokenType":"Bearer","accessToken":[75,300,-256],"refreshToken":[-32],"idToken":[70,400,-256]}\n';

const LENGTH_BYTES = 4;

/**
 * How a token is kept: as it is, or, when each part between its dots is base64url, the length of what each part says.
 * Above zero it is a JSON object, as in the header and the claims of a JWT (RFC 7515 §3.1); below, it is bytes.
 */
type Shape = string | readonly number[];

interface Packed {
  readonly tokenType: string;
  readonly accessToken: Shape;
  readonly refreshToken?: Shape | undefined;
  readonly idToken?: Shape | undefined;
}

/**
 * The tokens of a session, small. Base64url takes a third more than what it says, and an ID token repeats the user's
 * claims: so JSON is compressed as such, with those claims before it, and bytes, which are random, are kept apart.
 */
export function packTokens({ tokenType, accessToken, refreshToken, idToken }: TokenSecrets, claims: Claims): Buffer {
  const texts: string[] = [];
  const bytes: Buffer[] = [];
  const shapeOf = (token: string): Shape => {
    const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'));
    if (joined(parts) !== token) return token;
    return parts.map((part) => {
      const text = part.toString();
      const isJson = text.startsWith('{') && part.equals(Buffer.from(text));
      if (isJson) texts.push(text);
      else bytes.push(part);
      return isJson ? text.length : -part.length;
    });
  };
  const packed: Packed = {
    tokenType,
    accessToken: shapeOf(accessToken),
    refreshToken: refreshToken === undefined ? undefined : shapeOf(refreshToken),
    idToken: idToken === undefined ? undefined : shapeOf(idToken),
  };
  const text = deflateRawSync(`${JSON.stringify(packed)}\n${texts.join('')}`, { dictionary: dictionaryOf(claims) });
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, ...bytes]);
}

/** The opposite, with the same claims. `undefined` for what {@link packTokens} has not made. */
export function unpackTokens(data: Buffer, claims: Claims): TokenSecrets | undefined {
  try {
    let bytesAt = LENGTH_BYTES + data.readUInt32BE();
    const compressed = data.subarray(LENGTH_BYTES, bytesAt);
    const text = inflateRawSync(compressed, { dictionary: dictionaryOf(claims) }).toString();
    let textAt = text.indexOf('\n') + 1;
    const tokenOf = (shape: Shape): string => {
      if (typeof shape === 'string') return shape;
      return joined(
        shape.map((length) =>
          length > 0
            ? Buffer.from(text.slice(textAt, (textAt += length)))
            : data.subarray(bytesAt, (bytesAt -= length)),
        ),
      );
    };
    const { tokenType, accessToken, refreshToken, idToken } = JSON.parse(text.slice(0, textAt)) as Packed;
    return {
      tokenType,
      accessToken: tokenOf(accessToken),
      refreshToken: refreshToken === undefined ? undefined : tokenOf(refreshToken),
      idToken: idToken === undefined ? undefined : tokenOf(idToken),
    };
  } catch {
    return undefined;
  }
}

function joined(parts: readonly Buffer[]): string {
  return parts.map((part) => part.toString('base64url')).join('.');
}

function dictionaryOf(claims: Claims): Buffer {
  return Buffer.from(LIKELY + JSON.stringify(claims));
}
