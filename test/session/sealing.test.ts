import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Sealer } from '../../lib/session/sealing.js';
import { OLDER_SECRET, SECRET } from '../options/valid-options.js';

const bytes = fc.uint8Array({ maxLength: 200 });
const text = fc.string({ unit: 'binary', maxLength: 40 });
const binding = fc.option(text, { nil: undefined });

describe('Sealer', () => {
  const sealer = new Sealer([SECRET], 'session');

  it('opens what it has sealed', () => {
    fc.assert(
      fc.property(bytes, text, binding, (plaintext, context, bound) => {
        const opened = sealer.unseal(sealer.seal(plaintext, context, bound), context, bound);
        expect(opened).toEqual(Buffer.from(plaintext));
      }),
    );
  });

  it('never seals the same twice', () => {
    fc.assert(
      fc.property(bytes, text, (plaintext, context) => {
        expect(sealer.seal(plaintext, context).equals(sealer.seal(plaintext, context))).toBe(false);
      }),
    );
  });

  it('shows nothing of the plaintext', () => {
    const sealed = sealer.seal(Buffer.from('secret-token'.repeat(5)), 'here');
    expect(sealed.includes('secret-token')).toBe(false);
  });

  it('opens nothing in which any bit was flipped', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), fc.nat(7), (plaintext, position, bit) => {
        const sealed = sealer.seal(plaintext, 'here', 'token');
        const index = position % sealed.length;
        sealed.writeUInt8(sealed.readUInt8(index) ^ (1 << bit), index);
        expect(['corrupt', 'unknown_key', 'unknown_version']).toContain(sealer.unseal(sealed, 'here', 'token'));
      }),
      { numRuns: 500 },
    );
  });

  it('calls damage to IV, ciphertext and tag corrupt', () => {
    const sealed = sealer.seal(Buffer.from('x'), 'here');
    for (let index = 5; index < sealed.length; index += 1) {
      const damaged = Buffer.from(sealed);
      damaged.writeUInt8(damaged.readUInt8(index) ^ 1, index);
      expect(sealer.unseal(damaged, 'here')).toBe('corrupt');
    }
  });

  it('opens nothing that was cut or made longer', () => {
    const sealed = sealer.seal(Buffer.from('plaintext'), 'here');
    for (let length = 0; length < sealed.length; length += 1) {
      expect(sealer.unseal(sealed.subarray(0, length), 'here')).toBe('corrupt');
    }
    expect(sealer.unseal(Buffer.concat([sealed, Buffer.of(0)]), 'here')).toBe('corrupt');
  });

  it('opens nothing that somebody made up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (sealed) => {
        expect(typeof sealer.unseal(sealed, 'here')).toBe('string');
      }),
    );
  });

  it('ties what it seals to its context', () => {
    fc.assert(
      fc.property(text, text, (context, other) => {
        fc.pre(Buffer.from(context).compare(Buffer.from(other)) !== 0);
        expect(sealer.unseal(sealer.seal(Buffer.from('x'), context), other)).toBe('corrupt');
      }),
    );
  });

  it('needs the binding that it was sealed with', () => {
    const bound = sealer.seal(Buffer.from('x'), 'here', 'token');
    expect(sealer.unseal(bound, 'here', 'other')).toBe('corrupt');
    expect(sealer.unseal(bound, 'here')).toBe('corrupt');
    expect(sealer.unseal(sealer.seal(Buffer.from('x'), 'here'), 'here', 'token')).toBe('corrupt');
  });

  it('keeps purposes apart [SES-06] [COK-04]', () => {
    const sealed = new Sealer([SECRET], 'login').seal(Buffer.from('x'), 'here');
    expect(sealer.unseal(sealed, 'here')).toBe('unknown_key');
  });

  it('calls a key that it does not have unknown, not damage', () => {
    const sealed = new Sealer([OLDER_SECRET], 'session').seal(Buffer.from('x'), 'here');
    expect(sealer.unseal(sealed, 'here')).toBe('unknown_key');
  });

  it('calls a version that it does not know unknown, not damage', () => {
    const sealed = sealer.seal(Buffer.from('x'), 'here');
    sealed.writeUInt8(2, 0);
    expect(sealer.unseal(sealed, 'here')).toBe('unknown_version');
  });

  describe('with several secrets', () => {
    const before = new Sealer([OLDER_SECRET], 'session');
    const rotated = new Sealer([SECRET, OLDER_SECRET], 'session');

    it('opens what an older secret has sealed', () => {
      expect(rotated.unseal(before.seal(Buffer.from('x'), 'here', 'token'), 'here', 'token')).toEqual(Buffer.from('x'));
    });

    it('seals with the first', () => {
      const sealed = rotated.seal(Buffer.from('x'), 'here');
      expect(sealer.unseal(sealed, 'here')).toEqual(Buffer.from('x'));
      expect(before.unseal(sealed, 'here')).toBe('unknown_key');
    });
  });

  it('cannot seal without a secret', () => {
    expect(() => new Sealer([], 'session').seal(Buffer.from('x'), 'here')).toThrow(TypeError);
  });

  it('opens bytes of any kind of array', () => {
    const sealed = new Uint8Array(sealer.seal(Buffer.from('x'), 'here'));
    expect(sealer.unseal(sealed, 'here')).toEqual(Buffer.from('x'));
  });
});
