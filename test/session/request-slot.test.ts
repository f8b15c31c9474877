import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { findSlot, slotOf } from '../../lib/session/request-slot.js';

const nodeRequest = (): IncomingMessage => new IncomingMessage(new Socket());

const sources: readonly [string, () => object][] = [
  ['a request of Node', nodeRequest],
  ['a request of HTTP/2, or a socket', () => ({ headers: {} })],
];

describe.each(sources)('the slot of %s', (_kind, make) => {
  it('is made once, and found from then on', () => {
    const source = make();
    expect(findSlot(source)).toBeUndefined();
    const slot = slotOf(source);
    expect(slotOf(source)).toBe(slot);
    expect(findSlot(source)).toBe(slot);
  });

  it('is the same for Fastify’s request around it', () => {
    const raw = make();
    const slot = slotOf({ raw });
    expect(findSlot(raw)).toBe(slot);
  });

  it('is that of no other', () => {
    expect(slotOf(make())).not.toBe(slotOf(make()));
  });

  it('adds no property', () => {
    const source = make();
    const before = Reflect.ownKeys(source);
    slotOf(source);
    expect(Reflect.ownKeys(source)).toEqual(before);
  });
});

it.each([
  ['with its headers', (earlier: IncomingMessage) => Object.assign(nodeRequest(), { headers: earlier.headers })],
  ['with its raw headers', ({ rawHeaders }: IncomingMessage) => Object.assign(nodeRequest(), { rawHeaders })],
  ['to what inherits from it', (earlier: IncomingMessage) => Object.create(earlier) as object],
  ['to a proxy of it', (earlier: IncomingMessage) => new Proxy(earlier, {})],
])('that of a request is not handed on %s', (_how, make) => {
  const earlier = nodeRequest();
  const slot = slotOf(earlier);
  const later = make(earlier);
  expect(findSlot(later)).toBeUndefined();
  expect(slotOf(later)).not.toBe(slot);
  expect(slotOf(later)).toBe(findSlot(later));
  expect(findSlot(earlier)).toBe(slot);
});

it('stays when the headers of a request are replaced', () => {
  const request = nodeRequest();
  const slot = slotOf(request);
  request.headers = {};
  expect(findSlot(request)).toBe(slot);
});

it('is there for a request that has no raw headers', () => {
  const request = Object.create(IncomingMessage.prototype) as IncomingMessage;
  expect(slotOf(request)).toBe(findSlot(request));
});
