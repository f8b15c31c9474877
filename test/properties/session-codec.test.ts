import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Claims } from '../../lib/common/claims.js';
import { LoginRequiredError } from '../../lib/common/errors.js';
import { randomToken } from '../../lib/common/random.js';
import { SessionCodec } from '../../lib/session/session-codec.js';
import { sessionIdOf } from '../../lib/session/session-token.js';
import { headWith, type LoadedSession } from '../../lib/session/session.js';
import { OLDER_SECRET, SECRET } from '../options/valid-options.js';
import { DAY, tokenSet } from '../session/given.js';
import { anyMembers, anyText, holds, objectOf, throughJson } from './property.js';

const NOW = Date.UTC(2026, 0, 1);
const ORIGIN = { createdAt: NOW, address: '192.0.2.7', agent: 'Lynx' };
const codec = new SessionCodec([SECRET, OLDER_SECRET]);
const token = randomToken();
const id = sessionIdOf(token);

/** Claims as a provider could send them: `iss` and `sub` are checked, the rest is anything. */
const claims = fc
  .tuple(anyMembers, anyText(30))
  .map(
    ([members, sub]) =>
      objectOf([...Object.entries(members), ['iss', 'https://login.example.com'], ['sub', sub]]) as Claims,
  );
const tokens = fc
  .record({ accessToken: anyText(80), refreshToken: fc.option(anyText(80), { nil: undefined }), idToken: anyText(80) })
  .map((changes) => tokenSet(NOW, changes));
const stored = (data: Uint8Array) => ({ data, generation: 1, expiresAt: NOW + DAY, lastSeenAt: NOW });

const headOf = (given: Claims, held: ReturnType<typeof tokenSet>) =>
  headWith({ claims: given, createdAt: NOW, absoluteExpiresAt: NOW + 7 * DAY }, held);

function opened(data: Uint8Array): LoadedSession {
  const loaded = codec.decode(stored(data), token, id);
  if (typeof loaded === 'string') throw new Error(loaded);
  return loaded;
}

describe('a stored session', () => {
  it('gives back any claims and tokens, also those with names that JavaScript treats specially [TYP-01]', () => {
    holds(
      fc.property(claims, tokens, (given, held) => {
        const loaded = opened(codec.encode(headOf(given, held), held, ORIGIN, token));
        expect(JSON.stringify(loaded.session.claims)).toBe(JSON.stringify(given));
        expect(loaded.tokens()).toEqual(throughJson(held));
        expect(Object.getPrototypeOf(loaded.session.claims)).toBe(Object.prototype);
        expect(loaded.session.sub).toBe(given.sub);
      }),
    );
  });

  it('changes nothing of what it was made from [NST-03]', () => {
    holds(
      fc.property(claims, tokens, (given, held) => {
        const before = JSON.stringify([given, held]);
        const loaded = opened(codec.encode(headOf(given, held), held, ORIGIN, token));
        expect(Object.isFrozen(loaded.session.claims)).toBe(true);
        expect(JSON.stringify([given, held])).toBe(before);
        expect(Object.isFrozen(given)).toBe(false);
      }),
      200,
    );
  });

  it('opens no part in which any bit was flipped [SES-07]', () => {
    holds(
      fc.property(claims, tokens, fc.nat(), fc.nat(7), (given, held, position, bit) => {
        const data = Buffer.from(codec.encode(headOf(given, held), held, ORIGIN, token));
        const index = position % data.length;
        data.writeUInt8(data.readUInt8(index) ^ (1 << bit), index);
        const loaded = codec.decode(stored(data), token, id);
        if (typeof loaded === 'string') return;
        // Tokens and origin are opened when they are asked for. One of them is what was hit.
        const user = { iss: given.iss, sub: given.sub };
        if (codec.decodeOrigin(stored(data), id, user)) expect(() => loaded.tokens()).toThrow(LoginRequiredError);
      }),
      400,
    );
  });

  it('opens for its own cookie, place and generation only [SES-06] [SES-11]', () => {
    holds(
      fc.property(claims, tokens, fc.integer({ min: 2, max: 1e6 }), (given, held, generation) => {
        const data = codec.encode(headOf(given, held), held, ORIGIN, token);
        const another = randomToken();
        expect(codec.decode(stored(data), another, id)).toBe('corrupt');
        expect(codec.decode(stored(data), token, sessionIdOf(another))).toBe('corrupt');
        expect(codec.decode({ ...stored(data), generation }, token, id)).toBe('corrupt');
      }),
      200,
    );
  });
});
