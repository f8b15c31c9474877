import { createHmac, hkdfSync } from 'node:crypto';

/**
 * What sessions are found by, and what is noted about logouts: the sessions of a user (`sub`) or of a session at the
 * provider (`sid`); logouts of a user, of a provider's session, of a user's session; logout tokens that were acted upon.
 */
export type IndexKind = 'sub' | 'sid' | 'logout of sub' | 'logout of sid' | 'logout of sub and sid' | 'jti';

/**
 * Names of the store's sets: keyed hashes, so that a dump of the store names nobody, and guesses cannot be tried against
 * it. The kind and the issuer go into each: the `sid` of one is never the `sub` of another.
 */
export class IndexKeys {
  private readonly keys: readonly Buffer[];

  constructor(
    secrets: readonly string[],
    private readonly issuer: string,
  ) {
    this.keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'nest-oidc index', 32)));
  }

  /** One for each secret. Written and read under all of them, processes that share one secret find the same. */
  of(kind: IndexKind, ...values: readonly string[]): readonly string[] {
    const text = JSON.stringify([kind, this.issuer, ...values]);
    return this.keys.map((key) => createHmac('sha256', key).update(text).digest('base64url'));
  }
}
