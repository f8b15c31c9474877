import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { randomToken } from '../../lib/common/random.js';
import { Sealer } from '../../lib/session/sealing.js';
import { LoginRequiredError } from '../../lib/common/errors.js';
import { SessionCodec } from '../../lib/session/session-codec.js';
import { sessionIdOf } from '../../lib/session/session-token.js';
import { headWith, type LoadedSession } from '../../lib/session/session.js';
import { OLDER_SECRET, SECRET } from '../options/valid-options.js';
import { CLAIMS, DAY, HOUR, tokenSet } from './given.js';

const NOW = Date.UTC(2026, 0, 1);
const ORIGIN = { createdAt: NOW, address: '192.0.2.7', agent: 'Lynx' };

describe('SessionCodec', () => {
  afterEach(() => void jest.restoreAllMocks());

  const codec = new SessionCodec([SECRET]);
  const token = randomToken();
  const id = sessionIdOf(token);
  const tokens = tokenSet(NOW);
  const head = headWith({ claims: CLAIMS, createdAt: NOW, absoluteExpiresAt: NOW + 7 * DAY }, tokens);
  const stored = (data: Uint8Array, generation = 1) => ({
    data,
    generation,
    expiresAt: NOW + DAY,
    lastSeenAt: NOW,
  });
  const encoded = () => Buffer.from(codec.encode(head, tokens, ORIGIN, token));

  function opened(result: ReturnType<SessionCodec['decode']>): LoadedSession {
    if (typeof result === 'string') throw new Error(result);
    return result;
  }

  it('gives back the session and its tokens', () => {
    const loaded = opened(codec.decode(stored(encoded()), token, id));
    expect(loaded).toMatchObject({ head, generation: 1, token });
    expect(loaded.tokens()).toEqual(JSON.parse(JSON.stringify(tokens)));
    expect(loaded.session).toEqual({
      id,
      issuer: CLAIMS.iss,
      sub: 'alice',
      sid: 'op-session',
      claims: CLAIMS,
      createdAt: NOW,
      expiresAt: NOW + DAY,
      absoluteExpiresAt: NOW + 7 * DAY,
      accessTokenExpiresAt: NOW + HOUR,
      scope: 'openid offline_access',
    });
  });

  it('freezes what applications see [NST-03]', () => {
    const { session } = opened(codec.decode(stored(encoded()), token, id));
    expect(Object.isFrozen(session)).toBe(true);
    expect(Object.isFrozen(session.claims)).toBe(true);
    expect(Object.isFrozen(session.claims['address'])).toBe(true);
    expect(Object.isFrozen(CLAIMS)).toBe(false);
  });

  it('opens the head without the tokens, and the tokens when they are asked for', () => {
    const data = encoded();
    const unseal = jest.spyOn(Sealer.prototype, 'unseal');
    const loaded = opened(codec.decode(stored(data), token, id));
    expect(unseal).toHaveBeenCalledTimes(1);
    loaded.tokens();
    expect(unseal).toHaveBeenCalledTimes(2);
  });

  it('shows neither claims nor tokens in the stored bytes', () => {
    for (const text of ['alice', 'RT-1', 'AT-1', token, id]) expect(encoded().includes(text)).toBe(false);
  });

  it('reads bytes that are a part of a larger buffer', () => {
    const data = encoded();
    const large = Buffer.concat([Buffer.alloc(7), data, Buffer.alloc(7)]);
    const part = new Uint8Array(large.buffer, large.byteOffset + 7, data.length);
    expect(opened(codec.decode(stored(part), token, id)).tokens().refreshToken).toBe('RT-1');
  });

  it('needs the value of the cookie', () => {
    expect(codec.decode(stored(encoded()), randomToken(), id)).toBe('corrupt');
  });

  it('does not take the record of another generation', () => {
    expect(codec.decode(stored(encoded(), 2), token, id)).toBe('corrupt');
  });

  it('does not take the record of another session', () => {
    expect(codec.decode(stored(encoded()), token, sessionIdOf(randomToken()))).toBe('corrupt');
  });

  it('does not put the tokens of one record beside the head of another', () => {
    const [one, other] = [
      encoded(),
      Buffer.from(codec.encode(head, tokenSet(NOW, { accessToken: 'X' }), ORIGIN, token)),
    ];
    // The origin ends where the tokens begin.
    const tokensAt = (data: Buffer): number => 8 + data.readUInt32BE() + data.readUInt32BE(4);
    const mixed = Buffer.concat([one.subarray(0, tokensAt(one)), other.subarray(tokensAt(other))]);
    expect(codec.decode(stored(mixed), token, id)).toBe('corrupt');
  });

  it('opens nothing that is damaged, and asks for a new login where only the tokens are', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), (position, bit) => {
        const data = encoded();
        const index = position % data.length;
        data.writeUInt8(data.readUInt8(index) ^ (1 << bit), index);
        const loaded = codec.decode(stored(data), token, id);
        if (typeof loaded === 'string' || !codec.decodeOrigin(stored(data), id, CLAIMS)) return;
        expect(() => loaded.tokens()).toThrow(LoginRequiredError);
      }),
      { numRuns: 500 },
    );
  });

  it('finds that a record was cut', () => {
    const data = encoded();
    for (let length = 0; length < data.length; length += 1) {
      const loaded = codec.decode(stored(data.subarray(0, length)), token, id);
      if (typeof loaded !== 'string') expect(() => loaded.tokens()).toThrow(LoginRequiredError);
    }
  });

  it.each(['head', 'tokens', 'origin'])('takes a %s that it has sealed and cannot read for damage', (part) => {
    const { seal } = Sealer.prototype;
    jest.spyOn(Sealer.prototype, 'seal').mockImplementation(function (this: Sealer, data, context, ...rest) {
      return seal.call(this, context.startsWith(part) ? Buffer.from('x') : data, context, ...rest);
    });
    const record = stored(encoded());
    const loaded = codec.decode(record, token, id);
    if (part === 'head') expect(loaded).toBe('corrupt');
    if (part === 'tokens') expect(() => opened(loaded).tokens()).toThrow(LoginRequiredError);
    if (part === 'origin') expect(codec.decodeOrigin(record, id, head.claims)).toBeUndefined();
  });

  it('opens nothing that somebody made up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        expect(typeof codec.decode(stored(data), token, id)).toBe('string');
      }),
    );
  });

  it('tells a record of another secret from damage', () => {
    const other = new SessionCodec([OLDER_SECRET]).encode(head, tokens, ORIGIN, token);
    expect(codec.decode(stored(other), token, id)).toBe('unknown_key');
    expect(opened(new SessionCodec([SECRET, OLDER_SECRET]).decode(stored(other), token, id)).session.sub).toBe('alice');
  });

  it('goes on with the key that made the session, as long as that is known', () => {
    const rotating = new SessionCodec([SECRET, OLDER_SECRET]);
    const older = new SessionCodec([OLDER_SECRET]);
    const first = opened(rotating.decode(stored(older.encode(head, tokens, ORIGIN, token)), token, id));
    const next = stored(rotating.encodeNext(first, head, tokens), 2);
    expect(opened(older.decode(next, token, id)).generation).toBe(2);
    expect(codec.decode(next, token, id)).toBe('unknown_key');
  });

  describe('a session that was opened before', () => {
    const unseals = () => jest.spyOn(Sealer.prototype, 'unseal');

    it('is not opened again as long as the store holds the same', () => {
      const record = stored(encoded());
      const first = opened(codec.decode(record, token, id));
      const unseal = unseals();
      const again = opened(codec.decode({ ...record, data: Uint8Array.from(record.data) }, token, id));
      expect(again.session).toEqual(first.session);
      expect(unseal).not.toHaveBeenCalled();
    });

    it('is in objects that no other request has [NST-03]', () => {
      const record = stored(encoded());
      const [one, other] = [1, 2].map(() => opened(codec.decode(record, token, id)));
      expect(one?.session).not.toBe(other?.session);
      expect(one?.session.claims).not.toBe(other?.session.claims);
      expect(Object.isFrozen(other?.session)).toBe(true);
      expect(Object.isFrozen(other?.session.claims)).toBe(true);
    });

    it('has the times that the store has now', () => {
      const record = stored(encoded());
      const first = opened(codec.decode(record, token, id));
      const unseal = unseals();
      const later = { ...record, expiresAt: record.expiresAt + HOUR, lastSeenAt: record.lastSeenAt + HOUR };
      const again = opened(codec.decode(later, token, id));
      expect(again).toMatchObject({ lastSeenAt: NOW + HOUR, session: { expiresAt: NOW + DAY + HOUR, sub: 'alice' } });
      expect(again.tokens().accessToken).toBe('AT-1');
      expect(first.session.expiresAt).toBe(NOW + DAY);
      expect(unseal).toHaveBeenCalledTimes(1);
    });

    it('is opened again when a single bit or the generation is another one', () => {
      const record = stored(encoded());
      codec.decode(record, token, id);
      const damaged = Buffer.from(record.data);
      damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
      expect(codec.decode({ ...record, data: damaged }, token, id)).toBe('corrupt');
      codec.decode(record, token, id);
      expect(codec.decode({ ...record, generation: 2 }, token, id)).toBe('corrupt');
    });

    it('is not even compared while a store hands out the object that it keeps', () => {
      const { data, ...rest } = stored(encoded());
      let asked = 0;
      const record = {
        ...rest,
        get data() {
          asked += 1;
          return data;
        },
      };
      const decode = (isKept: boolean) => opened(codec.decode(record, token, id, codec.recall(token), isKept));
      const first = decode(true);
      decode(true);
      const before = asked;
      expect(decode(true).session).toEqual(first.session);
      expect(asked).toBe(before);
      record.generation = 2;
      expect(codec.decode(record, token, id, codec.recall(token), true)).toBe('corrupt');
    });

    it('is compared each time where a store reads it anew', () => {
      const data = encoded();
      const record = stored(data);
      const decode = () => codec.decode(record, token, id, codec.recall(token), false);
      decode();
      decode();
      data.writeUInt8(data.readUInt8(data.length - 1) ^ 1, data.length - 1);
      expect(decode()).toBe('corrupt');
    });

    it('is not opened to another token', () => {
      const record = stored(encoded());
      codec.decode(record, token, id);
      expect(codec.decode(record, randomToken(), id)).toBe('corrupt');
    });

    describe('among as many as are kept', () => {
      /** Opens so many sessions, and answers what opens each of them again. */
      const openMany = (own: SessionCodec, count: number): readonly (() => unknown)[] =>
        Array.from({ length: count }, () => {
          const otherToken = randomToken();
          const record = stored(codec.encode(head, tokens, ORIGIN, otherToken));
          const open = (): unknown => own.decode(record, otherToken, sessionIdOf(otherToken));
          open();
          return open;
        });

      it('stays when others come once each, however many', () => {
        const own = new SessionCodec([SECRET]);
        const [open] = openMany(own, 5000);
        openMany(own, 1000);
        const unseal = unseals();
        open?.();
        expect(unseal).not.toHaveBeenCalled();
      });

      it('is forgotten for one that comes twice, if it was not used for long', () => {
        const own = new SessionCodec([SECRET]);
        const [first] = openMany(own, 5000);
        const [other] = openMany(own, 1);
        const unseal = unseals();
        other?.();
        other?.();
        expect(unseal).toHaveBeenCalledTimes(1);
        first?.();
        expect(unseal).toHaveBeenCalledTimes(2);
      });
    });
  });

  describe('the origin of a session', () => {
    const user = { iss: CLAIMS.iss, sub: CLAIMS.sub };

    it('is read without the cookie, by who knows the user', () => {
      expect(codec.decodeOrigin(stored(encoded()), id, user)).toEqual(ORIGIN);
    });

    it('stays as it was in the next generation', () => {
      const loaded = opened(codec.decode(stored(encoded()), token, id));
      const next = stored(codec.encodeNext(loaded, head, tokens), 2);
      expect(codec.decodeOrigin(next, id, user)).toEqual(ORIGIN);
      expect(opened(codec.decode(next, token, id)).tokens().accessToken).toBe('AT-1');
    });

    it.each([
      ['another user', { ...user, sub: 'bob' }, id],
      ['a user of another issuer', { ...user, iss: 'https://other.example' }, id],
      ['another session', user, sessionIdOf('another')],
    ])('is not read for %s', (_what, of, key) => {
      expect(codec.decodeOrigin(stored(encoded()), key, of)).toBeUndefined();
    });

    it('is not read with another secret, nor from what is no record', () => {
      expect(new SessionCodec([OLDER_SECRET]).decodeOrigin(stored(encoded()), id, user)).toBeUndefined();
      expect(codec.decodeOrigin(stored(Uint8Array.of(1)), id, user)).toBeUndefined();
    });
  });
});
