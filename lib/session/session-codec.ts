import { copyOfClaims, deepFreeze } from '../common/claims.js';
import { LoginRequiredError } from '../common/errors.js';
import type { TokenSet } from '../provider/token-set.js';
import type { StoredSession } from '../store/session-store.js';
import { pack, unpack } from './packing.js';
import { RecentSessions, type RecentSession } from './recent-sessions.js';
import { Sealer, TAG_BYTES, type UnsealFailure } from './sealing.js';
import { sessionIdOf } from './session-token.js';
import { SessionView } from './session-view.js';
import { packTokens, unpackTokens } from './token-packing.js';
import { secretsOf, tokensWith, type LoadedSession, type SessionHead, type SessionOrigin } from './session.js';

/** The lengths of the sealed head and of the sealed origin, each an unsigned 32-bit integer. */
const LENGTHS_BYTES = 8;

const MOST_SPARE_BYTES = 64;

interface Parts {
  readonly head: Buffer;
  readonly origin: Buffer;
  readonly tokens: Buffer;
}

/**
 * Turns a session into sealed bytes and back.
 *
 * Head and tokens are sealed apart, so that a request which needs no token opens none. Each is tied to the session and
 * its generation, and the head to the seals of the others, so that no part can be put in another's place. The key needs
 * the application's secret and the value of the user's cookie: neither alone opens anything.
 *
 * The origin is what administration shows without that cookie. Its key needs the secret and who the user is.
 */
export class SessionCodec {
  private readonly sealer: Sealer;
  private readonly originSealer: Sealer;
  private readonly recent = new RecentSessions();

  constructor(secrets: readonly string[]) {
    this.sealer = new Sealer(secrets, 'session');
    this.originSealer = new Sealer(secrets, 'session origin');
  }

  /** The first generation of a session. */
  encode(head: SessionHead, tokens: TokenSet, origin: SessionOrigin, token: string): Uint8Array {
    const id = sessionIdOf(token);
    const sealedOrigin = this.originSealer.seal(pack(origin), originContext(id), userOf(head.claims));
    return this.join(head, tokens, sealedOrigin, token, `${id} 1`);
  }

  /**
   * The next generation, under the key of this one: while a new secret is rolled out, processes that do not know it yet go
   * on reading the sessions they know.
   */
  encodeNext({ session, token, generation, sealed }: LoadedSession, head: SessionHead, tokens: TokenSet): Uint8Array {
    const parts = split(sealed);
    return this.join(head, tokens, parts.origin, token, `${session.id} ${generation + 1}`, parts.head);
  }

  /** What this token has opened lately. */
  recall(token: string): RecentSession | undefined {
    return this.recent.find(token);
  }

  /**
   * What the store has of the session, opened.
   *
   * @param recent what the token has opened lately, if that is known already
   * @param isKept whether the store hands out this object for as long as the session stays as it is
   */
  decode(
    stored: StoredSession,
    token: string,
    id: string,
    recent = this.recall(token),
    isKept = false,
  ): LoadedSession | UnsealFailure {
    if (recent?.isOf(stored, isKept)) return openedAgain(recent.loaded, stored);
    const loaded = this.open(stored, ownCopy(token), id);
    if (typeof loaded !== 'string') this.recent.keep(loaded);
    return loaded;
  }

  private open(stored: StoredSession, token: string, id: string): LoadedSession | UnsealFailure {
    const { data, generation, expiresAt } = stored;
    if (data.length < LENGTHS_BYTES) return 'corrupt';
    const sealed = ownBytes(data);
    const { head: sealedHead, origin: sealedOrigin, tokens: sealedTokens } = split(sealed);
    const place = `${id} ${generation}`;
    const opened = this.sealer.unseal(sealedHead, headContext(place, sealedOrigin, sealedTokens), token);
    if (typeof opened === 'string') return opened;
    const head = unpack(opened) as SessionHead | undefined;
    if (!head) return 'corrupt';
    return {
      session: new SessionView(id, token, head, deepFreeze(head.claims), expiresAt),
      head,
      generation,
      token,
      lastSeenAt: stored.lastSeenAt,
      sealed,
      tokens: () => this.openTokens(sealedTokens, place, token, head),
    };
  }

  /** The origin of a session of this user; `undefined` when it is another's, or cannot be opened here. */
  decodeOrigin({ data }: StoredSession, id: string, user: User): SessionOrigin | undefined {
    if (data.length < LENGTHS_BYTES) return undefined;
    const opened = this.originSealer.unseal(split(data).origin, originContext(id), userOf(user));
    return typeof opened === 'string' ? undefined : (unpack(opened) as SessionOrigin | undefined);
  }

  private join(
    head: SessionHead,
    tokens: TokenSet,
    sealedOrigin: Buffer,
    token: string,
    place: string,
    like?: Buffer,
  ): Uint8Array {
    const sealedTokens = this.sealer.seal(packTokens(secretsOf(tokens), head.claims), `tokens ${place}`, token, like);
    const sealedHead = this.sealer.seal(pack(head), headContext(place, sealedOrigin, sealedTokens), token, like);
    const lengths = Buffer.alloc(LENGTHS_BYTES);
    lengths.writeUInt32BE(sealedHead.length);
    lengths.writeUInt32BE(sealedOrigin.length, LENGTHS_BYTES / 2);
    return ownBytes(Buffer.concat([lengths, sealedHead, sealedOrigin, sealedTokens]));
  }

  private openTokens(sealed: Uint8Array, place: string, token: string, head: SessionHead): TokenSet {
    const opened = this.sealer.unseal(sealed, `tokens ${place}`, token);
    const secrets = typeof opened === 'string' ? undefined : unpackTokens(opened, head.claims);
    if (!secrets) throw new LoginRequiredError('The session is damaged.', { detail: 'session_corrupt' });
    return tokensWith(head, secrets);
  }
}

/** The same session with the times that the store has now. What applications see of it no other request has. */
function openedAgain(known: LoadedSession, { expiresAt, lastSeenAt }: StoredSession): LoadedSession {
  const { head, generation, token, sealed, tokens } = known;
  const session = new SessionView(known.session.id, token, head, copyOfClaims(head.claims), expiresAt);
  return { session, head, generation, token, lastSeenAt, sealed, tokens };
}

/**
 * A window on a larger buffer (the network's, Node's pool) keeps all of that in memory, as long as it is kept itself. What is
 * hardly larger, as what a store has cut a header from, is kept as it is: then the next look finds the very same bytes.
 */
function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer.byteLength - bytes.byteLength <= MOST_SPARE_BYTES) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.byteLength);
  own.set(bytes);
  return own;
}

/** Cut out of a header, a string keeps the whole header in memory. */
function ownCopy(token: string): string {
  return Buffer.from(token).toString();
}

/** Who a user is (OpenID Connect Core 1.0 §5.7). */
interface User {
  readonly iss: string;
  readonly sub: string;
}

function split(bytes: Uint8Array): Parts {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const originAt = LENGTHS_BYTES + data.readUInt32BE();
  const tokensAt = originAt + data.readUInt32BE(LENGTHS_BYTES / 2);
  return {
    head: data.subarray(LENGTHS_BYTES, originAt),
    origin: data.subarray(originAt, tokensAt),
    tokens: data.subarray(tokensAt),
  };
}

function userOf({ iss, sub }: User): string {
  return JSON.stringify([iss, sub]);
}

function originContext(id: string): string {
  return `origin ${id}`;
}

/** The seals of the other parts go into that of the head. */
function headContext(place: string, origin: Buffer, tokens: Buffer): string {
  const [originTag, tokensTag] = [origin, tokens].map((part) => part.subarray(-TAG_BYTES).toString('base64url'));
  return `head ${place} ${originTag} ${tokensTag}`;
}
