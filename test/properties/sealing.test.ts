import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Sealer } from '../../lib/session/sealing.js';
import { anyText, holds } from './property.js';

const secret = fc.string({ unit: 'grapheme-ascii', minLength: 32, maxLength: 64 });
const secrets = fc.uniqueArray(secret, { minLength: 2, maxLength: 4 });
const bytes = fc.uint8Array({ maxLength: 400 });
const binding = fc.option(anyText(43), { nil: undefined });
const purpose = fc.constantFrom('session', 'authorization request', '');

/** Everything that a seal is made with. */
const seal = fc.record({ secrets, purpose, plaintext: bytes, context: anyText(), binding });
type Made = typeof seal extends fc.Arbitrary<infer T> ? T : never;

const sealed = ({ plaintext, context, binding: bound, ...made }: Made): Buffer =>
  new Sealer(made.secrets, made.purpose).seal(plaintext, context, bound);
const opened = (envelope: Uint8Array, { context, binding: bound, ...made }: Made): unknown =>
  new Sealer(made.secrets, made.purpose).unseal(envelope, context, bound);
/** Lone surrogates are the same bytes. */
const areSame = (one: string | undefined, other: string | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && Buffer.from(one).equals(Buffer.from(other)));

describe('a seal', () => {
  it('opens to what was sealed, any bytes, at any place [COK-04] [SES-11]', () => {
    holds(fc.property(seal, (made) => expect(opened(sealed(made), made)).toEqual(Buffer.from(made.plaintext))));
  });

  it('stays closed with any bit flipped, and names what was hit [COK-04]', () => {
    holds(
      fc.property(seal, fc.nat(), fc.nat(7), (made, position, bit) => {
        const envelope = sealed(made);
        const index = position % envelope.length;
        envelope.writeUInt8(envelope.readUInt8(index) ^ (1 << bit), index);
        const failure = index === 0 ? 'unknown_version' : index < 5 ? 'unknown_key' : 'corrupt';
        expect(opened(envelope, made)).toBe(failure);
      }),
      700,
    );
  });

  it('stays closed when it is cut, made longer, or made up', () => {
    holds(
      fc.property(seal, fc.nat(), bytes, (made, position, more) => {
        const envelope = sealed(made);
        expect(opened(envelope.subarray(0, position % envelope.length), made)).toBe('corrupt');
        if (more.length > 0) expect(opened(Buffer.concat([envelope, more]), made)).toBe('corrupt');
        expect(typeof opened(more, made)).toBe('string');
      }),
    );
  });

  it('stays closed at another place, and without what it is bound to [COK-04]', () => {
    holds(
      fc.property(seal, anyText(), binding, (made, context, bound) => {
        const envelope = sealed(made);
        if (!areSame(context, made.context)) expect(opened(envelope, { ...made, context })).toBe('corrupt');
        if (!areSame(bound, made.binding)) expect(opened(envelope, { ...made, binding: bound })).toBe('corrupt');
      }),
    );
  });

  it('is unknown to another purpose: what is valid in one is invalid in another [COK-04] [SES-06]', () => {
    holds(
      fc.property(seal, purpose, (made, another) => {
        fc.pre(another !== made.purpose);
        expect(opened(sealed(made), { ...made, purpose: another })).toBe('unknown_key');
      }),
    );
  });

  it('is unknown to another secret', () => {
    holds(
      fc.property(seal, secret, (made, another) => {
        fc.pre(!made.secrets.includes(another));
        expect(opened(sealed(made), { ...made, secrets: [another] })).toBe('unknown_key');
      }),
    );
  });

  it('opens wherever in the list its secret stands, and no longer when it is taken out [CFG-04]', () => {
    holds(
      fc.property(seal, fc.nat(), (made, rotations) => {
        const [first, ...others] = made.secrets as [string, ...string[]];
        const envelope = sealed(made);
        const rotated = others.toSpliced(rotations % (others.length + 1), 0, first);
        expect(opened(envelope, { ...made, secrets: rotated })).toEqual(Buffer.from(made.plaintext));
        expect(opened(envelope, { ...made, secrets: others })).toBe('unknown_key');
        expect(opened(envelope, { ...made, secrets: [first] })).toEqual(Buffer.from(made.plaintext));
      }),
    );
  });
});
