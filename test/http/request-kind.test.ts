import { describe, expect, it } from '@jest/globals';
import { changesState, isNavigation, isTopLevelNavigation, wantsHtml, wantsJson } from '../../lib/http/request-kind.js';

const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

interface Kind {
  readonly navigation: boolean;
  readonly topLevel: boolean;
  readonly html: boolean;
  readonly json: boolean;
}

const requests: readonly (readonly [what: string, method: string, headers: Record<string, string>, kind: Kind])[] = [
  [
    'a link that is followed',
    'GET',
    { accept: HTML, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { navigation: true, topLevel: true, html: true, json: false },
  ],
  [
    'a page in a browser without Sec-Fetch',
    'GET',
    { accept: HTML },
    { navigation: true, topLevel: true, html: true, json: false },
  ],
  [
    'a form that is sent',
    'POST',
    { accept: HTML, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { navigation: false, topLevel: false, html: true, json: false },
  ],
  ['a HEAD of a page', 'HEAD', { accept: HTML }, { navigation: false, topLevel: false, html: true, json: false }],
  [
    'a page in a frame',
    'GET',
    { accept: HTML, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    { navigation: true, topLevel: false, html: true, json: false },
  ],
  [
    'a prefetch',
    'GET',
    { accept: HTML, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch;prerender' },
    { navigation: true, topLevel: false, html: true, json: false },
  ],
  [
    'a prefetch of an old Chrome',
    'GET',
    { accept: HTML, purpose: 'prefetch' },
    { navigation: true, topLevel: false, html: true, json: false },
  ],
  [
    'a prefetch of Firefox',
    'GET',
    { accept: HTML, 'x-moz': 'prefetch' },
    { navigation: true, topLevel: false, html: true, json: false },
  ],
  [
    'a fetch() that reads JSON',
    'GET',
    { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { navigation: false, topLevel: false, html: false, json: true },
  ],
  [
    'a fetch() that reads HTML',
    'GET',
    { accept: 'text/html', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { navigation: false, topLevel: false, html: false, json: false },
  ],
  [
    'a fetch() with the default Accept',
    'GET',
    { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    { navigation: false, topLevel: false, html: false, json: false },
  ],
  [
    'an image',
    'GET',
    { accept: 'image/avif,*/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    { navigation: false, topLevel: false, html: false, json: false },
  ],
  [
    'an API client',
    'GET',
    { accept: 'application/json' },
    { navigation: false, topLevel: true, html: false, json: true },
  ],
  [
    'an API client that shouts',
    'GET',
    { accept: 'Application/JSON' },
    { navigation: false, topLevel: true, html: false, json: true },
  ],
  ['curl', 'GET', { accept: '*/*' }, { navigation: false, topLevel: true, html: false, json: false }],
  ['a request that says nothing', 'GET', {}, { navigation: false, topLevel: true, html: false, json: false }],
  [
    'a caller that takes both',
    'GET',
    { accept: 'application/json, text/html' },
    { navigation: true, topLevel: true, html: true, json: false },
  ],
];

describe.each(requests)('%s', (_what, method, headers, kind) => {
  const request = { method, headers };

  it(`${kind.navigation ? 'can' : 'cannot'} be redirected to a login`, () => {
    expect(isNavigation(request)).toBe(kind.navigation);
  });

  it(`${kind.topLevel ? 'may' : 'may not'} start or end a login`, () => {
    expect(isTopLevelNavigation(request)).toBe(kind.topLevel);
  });

  it(`${kind.html ? 'is' : 'is not'} answered for people`, () => {
    expect(wantsHtml(request)).toBe(kind.html);
  });

  it(`${kind.json ? 'is' : 'is not'} a script that reads JSON`, () => {
    expect(wantsJson(request)).toBe(kind.json);
  });
});

describe('a method', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('%s changes no state', (method) => {
    expect(changesState({ method, headers: {} })).toBe(false);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'get', 'PROPFIND', 'TRACE', ''])('%s changes state', (method) => {
    expect(changesState({ method, headers: {} })).toBe(true);
  });
});
