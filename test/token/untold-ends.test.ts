import { describe, expect, it } from '@jest/globals';
import { UntoldEnds } from '../../lib/token/untold-ends.js';

describe('UntoldEnds', () => {
  it('are told once', () => {
    const ends = new UntoldEnds();
    ends.add('a');
    expect([ends.take('b'), ends.take('a'), ends.take('a')]).toEqual([false, true, false]);
  });

  it('are a thousand at most: the oldest is forgotten', () => {
    const ends = new UntoldEnds();
    for (let index = 0; index <= 1000; index += 1) ends.add(String(index));
    expect([ends.take('0'), ends.take('1'), ends.take('1000')]).toEqual([false, true, true]);
  });
});
