import { describe, expect, it } from '@jest/globals';
import { pages, problemsOf, snippetsOf } from './snippets.js';

describe('the code of the documentation', () => {
  it('compiles, strictly, against the library', () => {
    const snippets = [...pages(), 'README.md'].flatMap((page) => snippetsOf(page));
    expect(snippets.length).toBeGreaterThan(20);
    expect(snippets.filter(({ place }) => place.startsWith('README.md:')).length).toBeGreaterThan(5);
    expect(problemsOf(snippets)).toEqual([]);
  }, 120_000);
});
