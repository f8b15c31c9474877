import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 1;
const KEY_ID_BYTES = 4;
const IV_BYTES = 12;
/** A seal ends with its authentication tag. */
export const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES;

interface Key {
  readonly id: Buffer;
  readonly master: Buffer;
}

/** Why sealed data stays closed. A newer version or an unknown key is somebody else's data, not damage. */
export type UnsealFailure = 'unknown_version' | 'unknown_key' | 'corrupt';

/**
 * Seals bytes with AES-256-GCM under keys derived from the application's secrets (HKDF, RFC 5869). The first secret
 * seals, all unseal. Envelope: version, key id, IV, ciphertext, tag.
 *
 * `purpose` separates the keys of different uses: what one seals, another cannot unseal. `context` is authenticated and
 * ties the data to its place. `binding`, when given, goes into the key: without it even the secret opens nothing.
 */
export class Sealer {
  private readonly keys: readonly Key[];

  constructor(secrets: readonly string[], purpose: string) {
    this.keys = secrets.map((secret) => ({
      id: Buffer.from(hkdfSync('sha256', secret, '', `nest-oidc key id ${purpose}`, KEY_ID_BYTES)),
      master: Buffer.from(hkdfSync('sha256', secret, '', `nest-oidc ${purpose}`, 32)),
    }));
  }

  /** With `like`, under the key that sealed that, as long as it is known. */
  seal(plaintext: Uint8Array, context: string, binding?: string, like?: Uint8Array): Buffer {
    const key = (like && this.keyThatSealed(like)) ?? this.keys[0];
    if (!key) throw new TypeError('A Sealer needs at least one secret.');
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', keyOf(key, binding), iv).setAAD(Buffer.from(context));
    const body = [cipher.update(plaintext), cipher.final()];
    return Buffer.concat([Buffer.of(VERSION), key.id, iv, ...body, cipher.getAuthTag()]);
  }

  unseal(sealed: Uint8Array, context: string, binding?: string): Buffer | UnsealFailure {
    if (sealed.length < HEADER_BYTES + TAG_BYTES) return 'corrupt';
    if (sealed[0] !== VERSION) return 'unknown_version';
    const key = this.keyThatSealed(sealed);
    if (!key) return 'unknown_key';
    const iv = sealed.subarray(1 + KEY_ID_BYTES, HEADER_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', keyOf(key, binding), iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      return 'corrupt';
    }
  }

  private keyThatSealed(sealed: Uint8Array): Key | undefined {
    return this.keys.find(({ id }) => id.equals(sealed.subarray(1, 1 + KEY_ID_BYTES)));
  }
}

function keyOf(key: Key, binding: string | undefined): Buffer {
  return binding === undefined ? key.master : createHmac('sha256', key.master).update(binding).digest();
}
