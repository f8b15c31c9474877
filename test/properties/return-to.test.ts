import { describe, expect, it } from '@jest/globals';
import { ApplicationConfig } from '@nestjs/core';
import fc from 'fast-check';
import { ReturnTo } from '../../lib/login/return-to.js';
import { PublicUrls } from '../../lib/options/public-urls.js';
import { ROUTE_NAMES } from '../../lib/options/routes.js';
import { resolve } from '../options/valid-options.js';
import { anyJson, anyText, holds, textOf } from './property.js';

const ORIGIN = 'https://app.example.com';
const urls = new PublicUrls(resolve(), new ApplicationConfig());
const returnTo = new ReturnTo(urls);

/** All that could be read as the start of a host, as dots to be resolved, or as a route of ours. */
const hostile = textOf([
  '/',
  '//',
  '///',
  '\\',
  '.',
  '..',
  '/.',
  '/..',
  '@',
  ':',
  '?',
  '#',
  ';',
  '%2f',
  '%5c',
  '%2e',
  '%09',
  '%00',
  '%',
  '\t',
  '\n',
  '\r',
  '\u0000',
  '\u007f',
  '\u0085',
  '\u2028',
  '\ufeff',
  '。',
  '．',
  '／',
  '＼',
  '日本',
  ' ',
  'evil.example',
  'https:',
  'javascript:',
  'app.example.com',
  'user:pass',
  '[::1]',
  'auth',
  'login',
  'LOGIN',
  '/auth/login',
  '/auth/callback',
  '/auth/logout',
  '/auth/me',
  'x'.repeat(700),
]);
const anything = fc.oneof(
  hostile,
  hostile.map((text) => `/${text}`),
  hostile.map((text) => `/x/${text}`),
  anyText(80),
  anyJson,
);

/** What a browser does to a URL before it looks at it (WHATWG URL, "basic URL parser"), by hand. */
function asBrowserReads(location: string): string {
  return location
    .replace(/^[\p{Cc} ]+|[\p{Cc} ]+$/gu, '')
    .replaceAll(/[\t\n\r]/gu, '')
    .replaceAll('\\', '/');
}

describe('returnTo', () => {
  it('leads to our own origin, whatever it was and however it is read [RET-01] [RET-02]', () => {
    holds(
      fc.property(anything, (value) => {
        const path = returnTo.resolve(value);
        for (const base of [`${ORIGIN}/auth/callback`, `${ORIGIN}//x`, `${ORIGIN}/`]) {
          const url = new URL(path, base);
          const { origin, username, password, pathname } = url;
          expect([origin, username, password, pathname.startsWith('//')]).toEqual([ORIGIN, '', '', false]);
        }
        expect(asBrowserReads(path)).toBe(path);
        expect(path).toMatch(/^\/(?!\/)/u);
      }),
      1500,
    );
  });

  it('is printable ASCII of at most 2048 bytes [RET-03]', () => {
    holds(
      fc.property(anything, (value) => expect(returnTo.resolve(value)).toMatch(/^[\u0021-\u007e]{1,2048}$/u)),
      1000,
    );
  });

  it('stays the same when it is checked again, before the redirect [RET-02]', () => {
    holds(
      fc.property(anything, (value) => {
        const path = returnTo.resolve(value);
        expect(returnTo.resolve(path)).toBe(path);
      }),
      1000,
    );
  });

  it('is never a route of the module, however that is spelt [RET-04]', () => {
    const disguised = fc
      .tuple(
        fc.constantFrom(...ROUTE_NAMES.flatMap((name) => urls.pathOf(name) ?? [])),
        fc.array(fc.tuple(fc.nat(30), fc.constantFrom('upper', 'encoded', 'dot', 'slash')), { maxLength: 4 }),
        fc.constantFrom('', '?', '#', '?returnTo=/auth/login', '/?x', '/#', '/'),
      )
      .map(([path, changes, rest]) => changes.reduce(disguise, path) + rest);
    holds(
      fc.property(disguised, (value) => {
        const { pathname } = new URL(returnTo.resolve(value), ORIGIN);
        const plain = decodeURIComponent(pathname).toLowerCase().replace(/\/+$/u, '');
        expect(ROUTE_NAMES.map((name) => urls.pathOf(name))).not.toContain(plain);
      }),
      700,
    );
  });

  it('is any safe path as it is [RET-01]', () => {
    const segment = fc.stringMatching(/^[\w.~!$&'()*+,=:@-]{1,12}$/u).filter((text) => !/^\.{1,2}$/u.test(text));
    const path = fc.tuple(
      fc.array(segment, { minLength: 1, maxLength: 6 }),
      fc.stringMatching(/^[\w.~!$&()*+,=:@/?-]{0,40}$/u),
      fc.stringMatching(/^[\w.~!$&()*+,=:@/?-]{0,20}$/u),
    );
    holds(
      fc.property(path, ([segments, query, fragment]) => {
        const safe = `/app/${segments.join('/')}${query && `?${query}`}${fragment && `#${fragment}`}`;
        expect(returnTo.resolve(safe)).toBe(safe);
      }),
      700,
    );
  });
});

/** The same path to a router that decodes, resolves dots or ignores case. */
function disguise(path: string, [position, change]: readonly [number, string]): string {
  const at = position % path.length;
  const character = path.charAt(at);
  if (change === 'upper') return path.slice(0, at) + character.toUpperCase() + path.slice(at + 1);
  if (change === 'dot') return path.replace('/', '/./');
  if (change === 'slash') return path.replace('/', '/x/../');
  // What is encoded already stays as it is.
  if (!/[a-z]/iu.test(character) || path.slice(Math.max(0, at - 2), at).includes('%')) return path;
  return `${path.slice(0, at)}%${character.charCodeAt(0).toString(16)}${path.slice(at + 1)}`;
}
