/** What must stay secret. The words are those of the findings. */
export type SecretKind =
  | 'access token'
  | 'refresh token'
  | 'ID token'
  | 'code'
  | 'code verifier'
  | 'state'
  | 'nonce'
  | 'client secret'
  | 'client assertion'
  | 'application secret'
  | 'session cookie'
  | 'transaction cookie'
  | 'JWT';

interface Heard {
  readonly place: string;
  readonly text: string;
  readonly allowed: readonly SecretKind[];
}

/** Characters of which every secret of ours is made. Shorter words are not looked for: they may come from anywhere. */
const PIECE_LENGTH = 16;
const WORDS = /[\w-]{16,}/gu;
const HAS_WORD = /[\w-]{16}/u;
/** Of a long secret, that much of its beginning and of its end is looked for. */
const END_LENGTH = 2 * PIECE_LENGTH;
/** Tests make tens of thousands of logins. */
const MOST_PIECES = 5000;
const MOST_HEARD = 100;
/** One as providers sign it. Three characters of it alone come about by chance in random text. */
export const JWT = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}/u;
/** By convention, secrets of the tests' configuration have this in their text. */
const CONFIGURED: readonly (readonly [string, SecretKind])[] = [
  ['a-secret-that-only-tests-use', 'application secret'],
  ['a-client-secret-for-tests', 'client secret'],
];

/**
 * Learns secrets as they are born and finds them in what it hears, also where only a part was printed: any 31 characters
 * in a row are enough. What it hears is searched in {@link findings}, so that a secret may also become known later than
 * it leaks. Its findings name the place and the kind, never the secret.
 */
export class Canary {
  /** The oldest come first, and are the first that are forgotten. */
  private readonly pieces = new Map<string, SecretKind>();
  /** By the first three characters: whether there may be such a piece. */
  private readonly beginnings = new Uint8Array(1 << 21);
  private readonly heard: Heard[] = [];
  private readonly found = new Set<string>();

  learn(kind: SecretKind, value: unknown): void {
    if (typeof value !== 'string') return;
    // Every JWT of a key begins with the same header.
    const [header = '', payload, signature] = value.split('.');
    const isJwt = value.startsWith('eyJ') && signature !== undefined;
    const words = (isJwt ? `${payload}.${signature}` : `${header}${value.slice(header.length)}`).match(WORDS) ?? [];
    for (const word of words) {
      for (const part of word.length > 2 * END_LENGTH ? [word.slice(0, END_LENGTH), word.slice(-END_LENGTH)] : [word]) {
        for (let at = 0; at + PIECE_LENGTH <= part.length; at += PIECE_LENGTH) this.keep(kind, part, at);
        this.keep(kind, part, part.length - PIECE_LENGTH);
      }
    }
  }

  /** @param allowed kinds of secrets that belong there */
  hear(place: string, text: string, allowed: readonly SecretKind[] = []): void {
    if (!HAS_WORD.test(text)) return;
    this.heard.push({ place, text, allowed });
    if (this.heard.length > MOST_HEARD) this.search();
  }

  /** Where something secret was heard since the last time, e.g. `access token in a line of the log`. */
  findings(): string[] {
    this.search();
    const findings = [...this.found];
    this.found.clear();
    return findings;
  }

  private search(): void {
    for (const one of this.heard.splice(0)) {
      for (const kind of this.secretsIn(one)) this.found.add(`${kind} in ${one.place}`);
    }
  }

  private keep(kind: SecretKind, word: string, at: number): void {
    // A piece would keep all of the text that it was cut from.
    const piece = Buffer.from(word.slice(at, at + PIECE_LENGTH), 'latin1').toString('latin1');
    const known = this.pieces.get(piece);
    this.pieces.delete(piece);
    this.pieces.set(piece, known ?? kind);
    this.beginnings[beginning(word, at)] = 1;
    if (this.pieces.size > MOST_PIECES) this.pieces.delete(this.pieces.keys().next().value ?? '');
  }

  private secretsIn({ text, allowed }: Heard): Set<SecretKind> {
    const kinds = new Set<SecretKind>(CONFIGURED.filter(([mark]) => text.includes(mark)).map(([, kind]) => kind));
    for (const word of text.match(WORDS) ?? []) {
      for (let at = 0; at + PIECE_LENGTH <= word.length; at += 1) {
        if (this.beginnings[beginning(word, at)] === 0) continue;
        const kind = this.pieces.get(word.slice(at, at + PIECE_LENGTH));
        if (kind !== undefined) kinds.add(kind);
      }
    }
    if (kinds.size === 0 && JWT.test(text)) kinds.add('JWT');
    for (const kind of allowed) kinds.delete(kind);
    return kinds;
  }
}

/** A number of 21 bits for the three characters from `at` on. */
function beginning(word: string, at: number): number {
  return ((word.charCodeAt(at) & 127) << 14) | ((word.charCodeAt(at + 1) & 127) << 7) | (word.charCodeAt(at + 2) & 127);
}

/** The one of this test file. */
export const canary = new Canary();

/** @throws Error when something secret was heard where it must not be, since the last time */
export function expectNoLeaks(): void {
  const findings = canary.findings();
  if (findings.length > 0) {
    throw new Error(
      `Secrets where they must not be [LOG-02] [BFF-05]:\n${findings.map((one) => `  - ${one}`).join('\n')}`,
    );
  }
}
