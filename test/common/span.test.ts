import { describe, expect, it } from '@jest/globals';
import { isRunning } from '../../lib/common/span.js';

const [SINCE, LENGTH] = [1_767_225_600_000, 1000];

describe('a span of time', () => {
  it.each<[number, boolean]>([
    [0, true],
    [999, true],
    [1000, false],
    [3_600_000, false],
    [-999, true],
    [-1000, false],
    [-3_600_000, false],
  ])('that began %i ms ago and lasts a second is running: %s', (age, expected) => {
    expect(isRunning(SINCE, LENGTH, SINCE + age)).toBe(expected);
  });

  it('ends just when it is waited for as long as it lasts, in fractions, too', () => {
    const length = 912.802_795_460_663_2;
    expect(isRunning(SINCE, length, SINCE + length)).toBe(false);
  });
});
