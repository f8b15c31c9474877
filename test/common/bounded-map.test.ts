import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundedMap, type BoundedEntry } from '../../lib/common/bounded-map.js';

interface Named extends BoundedEntry {
  readonly name: string;
}

const entry = (name: string): Named => ({ name });

function mapOf(...keys: string[]): BoundedMap<Named> {
  const map = new BoundedMap<Named>();
  for (const key of keys) map.set(key, entry(key.toUpperCase()));
  return map;
}

describe('BoundedMap', () => {
  it('holds what was set', () => {
    const map = mapOf('a', 'b');
    map.set('a', entry('changed'));
    const found = [map.get('a'), map.use('b'), map.get('c'), map.use('c')];
    expect(found.map((value) => value?.name)).toEqual(['changed', 'B', undefined, undefined]);
    expect([map.size, map.has('a'), map.has('c')]).toEqual([2, true, false]);
    expect([map.delete('a'), map.delete('a'), map.size]).toEqual([true, false, 1]);
    map.clear();
    expect([map.size, map.giveUpOne()]).toEqual([0, undefined]);
  });

  it('gives up the oldest when none was used', () => {
    const map = mapOf('a', 'b', 'c');
    expect([map.giveUpOne(), map.giveUpOne(), map.giveUpOne()]).toEqual(['a', 'b', 'c']);
  });

  it('gives up what was not used before what was', () => {
    const map = mapOf('a', 'b', 'c', 'd');
    map.use('a');
    map.set('c', entry('C')); // a write is a use
    map.get('b'); // a look is none
    expect([map.giveUpOne(), map.giveUpOne()]).toEqual(['b', 'd']);
    expect([map.giveUpOne(), map.giveUpOne()]).toEqual(['a', 'c']);
  });

  it('gives a second chance, not a third', () => {
    const map = mapOf('a', 'b');
    map.use('a');
    map.use('b');
    expect(map.giveUpOne()).toBe('a');
    map.set('c', entry('C'));
    expect(map.giveUpOne()).toBe('b');
  });

  it('never gives up what was used since, as long as there is anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 30 }), (uses) => {
        const map = mapOf(...'abcdefghij');
        const used = new Set(uses.map((index) => 'abcdefghij'.charAt(index)));
        for (const key of used) map.use(key);
        const gone = Array.from({ length: 10 - used.size }, () => map.giveUpOne());
        expect(gone.filter((key) => used.has(key ?? ''))).toEqual([]);
        expect([...map].map(([key]) => key).sort()).toEqual([...used].sort());
      }),
    );
  });
});
