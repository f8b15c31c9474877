import { LoginRequiredError } from '../common/errors.js';
import type { TokenSet } from '../provider/token-set.js';
import type { StoredSession } from '../store/session-store.js';
import { Sealer, TAG_BYTES, type UnsealFailure } from './sealing.js';
import { sessionIdOf } from './session-token.js';
import { SessionView } from './session-view.js';
import type { LoadedSession, SessionHead } from './session.js';

const LENGTH_BYTES = 4;

/**
 * Turns a session into sealed bytes and back. Head and tokens are sealed apart, so that a request which needs no token
 * opens none. Each is tied to the session and its generation, and the head to the seal of the tokens, so that no part can
 * be put in another's place. The key needs the application's secret and the value of
 * the user's cookie: neither alone opens anything.
 */
export class SessionCodec {
  private readonly sealer: Sealer;

  constructor(secrets: readonly string[]) {
    this.sealer = new Sealer(secrets, 'session');
  }

  encode(head: SessionHead, tokens: TokenSet, token: string, generation: number): Uint8Array {
    const place = `${sessionIdOf(token)} ${generation}`;
    const sealedTokens = this.sealer.seal(Buffer.from(JSON.stringify(tokens)), `tokens ${place}`, token);
    const sealedHead = this.sealer.seal(Buffer.from(JSON.stringify(head)), headContext(place, sealedTokens), token);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(sealedHead.length);
    return Buffer.concat([length, sealedHead, sealedTokens]);
  }

  decode(stored: StoredSession, token: string, id: string): LoadedSession | UnsealFailure {
    const data = Buffer.from(stored.data.buffer, stored.data.byteOffset, stored.data.byteLength);
    if (data.length < LENGTH_BYTES) return 'corrupt';
    const tokensAt = LENGTH_BYTES + data.readUInt32BE();
    const place = `${id} ${stored.generation}`;
    const sealedTokens = data.subarray(tokensAt);
    const context = headContext(place, sealedTokens);
    const opened = this.sealer.unseal(data.subarray(LENGTH_BYTES, tokensAt), context, token);
    if (typeof opened === 'string') return opened;
    const head = JSON.parse(opened.toString('utf8')) as SessionHead;
    return {
      session: new SessionView(id, token, head, stored.expiresAt),
      head,
      generation: stored.generation,
      token,
      tokens: () => this.openTokens(sealedTokens, place, token),
    };
  }

  private openTokens(sealed: Uint8Array, place: string, token: string): TokenSet {
    const opened = this.sealer.unseal(sealed, `tokens ${place}`, token);
    if (typeof opened === 'string')
      throw new LoginRequiredError('The session is damaged.', { detail: 'session_corrupt' });
    return JSON.parse(opened.toString('utf8')) as TokenSet;
  }
}

function headContext(place: string, sealedTokens: Uint8Array): string {
  return `head ${place} ${Buffer.from(sealedTokens.subarray(-TAG_BYTES)).toString('base64url')}`;
}
