import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pack, unpack } from '../../lib/session/packing.js';

describe('packed JSON', () => {
  it('says the same when it is unpacked', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expect(unpack(pack(value))).toEqual(JSON.parse(JSON.stringify(value)))),
    );
  });

  it('says the same when it is much larger than what is packed at a time', () => {
    const claims = Array.from({ length: 5000 }, (_, index) => `role-${(index * 7919) % 5000}`);
    expect(unpack(pack({ claims }))).toEqual({ claims });
  });

  it('is smaller than the JSON, also of a session with few claims', () => {
    const head = { claims: { iss: 'https://op.example', sub: 'alice', aud: 'app' }, createdAt: 1_700_000_000_000 };
    expect(pack(head).length).toBeLessThan(JSON.stringify(head).length / 2);
  });

  it('is not mistaken for what somebody else has made', () => {
    expect(unpack(Buffer.from('{"claims":{}}'))).toBeUndefined();
    expect(unpack(Buffer.alloc(0))).toBeUndefined();
    expect(unpack(deflateRawSync('no JSON'))).toBeUndefined();
  });

  it('does not change from release to release: the sessions of users are packed with it', () => {
    const packed = Buffer.from('w51a8gv0oDEBTzGJOZnJqUroHjFAgFoA', 'base64url');
    const head = { claims: { iss: 'https://op.example', sub: 'alice' }, createdAt: 1_700_000_000_000 };
    expect(unpack(packed)).toEqual(head);
  });
});
