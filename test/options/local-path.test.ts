import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { localPath } from '../../lib/options/local-path.js';

const ORIGIN = 'https://app.example.com';

/** What attackers put together: all that could be read as the start of a host. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '\\',
        '.',
        '..',
        '/.',
        '/..',
        '@',
        ':',
        '?',
        '#',
        '%2f',
        '%5c',
        '%2e',
        '%09',
        '\t',
        '\n',
      ),
      fc.constantFrom('\u0000', '\u007f', '\u2028', '。', '／', '日本', 'evil.example', 'https:', 'javascript:', ' '),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const anything = fc.oneof(
  hostile,
  hostile.map((text) => `/${text}`),
);

describe('localPath', () => {
  it('never leads to another origin, however a browser reads it', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const path = localPath(value);
        if (path === undefined) return;
        expect(new URL(path, `${ORIGIN}/auth/callback`).origin).toBe(ORIGIN);
        // Browsers drop tabs and line breaks, and read a backslash as a slash.
        expect(path.replaceAll(/[\t\r\n]/gu, '').replaceAll('\\', '/')).toMatch(/^\/(?!\/)/u);
      }),
      { numRuns: 5000 },
    );
  });

  it('answers printable ASCII only', () => {
    fc.assert(
      fc.property(anything, (value) => expect(localPath(value) ?? '/').toMatch(/^[\u0021-\u007e]+$/u)),
      {
        numRuns: 2000,
      },
    );
  });

  it('answers the same when it is asked about its answer', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const path = localPath(value);
        if (path !== undefined) expect(localPath(path)).toBe(path);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['/', '/'],
    ['/reports?year=2026&q=a%20b#top', '/reports?year=2026&q=a%20b#top'],
    ['/日本?x=é', '/%E6%97%A5%E6%9C%AC?x=%C3%A9'],
    ['/a/../b', '/b'],
    ['/a b', '/a%20b'],
    ['/login?next=//evil.example', '/login?next=//evil.example'],
  ])('takes %j as %j', (value, expected) => {
    expect(localPath(value)).toBe(expected);
  });

  it.each([
    '',
    'reports',
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\/evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%2e//evil.example',
    ' /reports',
    'javascript:alert(1)',
  ])('refuses %j', (value) => {
    expect(localPath(value)).toBeUndefined();
  });

  it.each([undefined, null, 7, {}, ['/reports']])('refuses %j, which is no text', (value) => {
    expect(localPath(value)).toBeUndefined();
  });

  it('refuses more than 2048 bytes', () => {
    expect(localPath(`/${'x'.repeat(2047)}`)).toHaveLength(2048);
    expect(localPath(`/${'x'.repeat(2048)}`)).toBeUndefined();
    expect(localPath(`/${'é'.repeat(1024)}`)).toBeUndefined();
  });

  it('refuses what has more than 2048 bytes once it is percent-encoded', () => {
    expect(localPath(`/${'é'.repeat(341)}`)).toHaveLength(2047);
    expect(localPath(`/${'é'.repeat(342)}`)).toBeUndefined();
  });
});
