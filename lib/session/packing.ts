import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** What most sessions have in common: a preset dictionary (RFC 1950 §2.2). To change it makes the sessions of before unreadable. */
const LIKELY = Buffer.from(
  '{"tokenType":"Bearer","accessToken":"eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Ii","refreshToken":"",' +
    '"idToken":"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6Ii{"claims":{"iss":"https://login.","sub":"","aud":"","azp":"",' +
    '"sid":"","nonce":"","name":"","given_name":"","family_name":"","nickname":"","preferred_username":"","picture":"https://",' +
    '"email":"@example.com","email_verified":true,"locale":"en-","zoneinfo":"Europe/","updated_at":1,"realm_access":{"roles":["' +
    '"groups":["","user","admin"],"amr":["pwd","mfa"],"acr":"","at_hash":"","iat":17,"exp":17,"auth_time":17},"createdAt":17,' +
    '"absoluteExpiresAt":17,"accessToken":{"issuedAt":17,"refreshable":true,"expiresAt":17,' +
    '"scope":"openid profile email offline_access"}}',
);

/** Small ones: a session is a few kilobytes, and what zlib sets up for each call is what it costs. */
const OPTIONS = { dictionary: LIKELY, windowBits: 13, chunkSize: 4096 };

/**
 * JSON, compressed: what is sealed cannot be compressed any more, and each byte of a session is in the store as often as
 * there are users.
 */
export function pack(value: unknown): Buffer {
  return deflateRawSync(JSON.stringify(value), OPTIONS);
}

/** `undefined` for what {@link pack} has not made. */
export function unpack(packed: Uint8Array): unknown {
  try {
    return JSON.parse(inflateRawSync(packed, OPTIONS).toString('utf8'));
  } catch {
    return undefined;
  }
}
