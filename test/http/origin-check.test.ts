import { describe, expect, it } from '@jest/globals';
import { CrossOriginRequestError } from '../../lib/common/errors.js';
import { OriginCheck } from '../../lib/http/origin-check.js';
import { given } from '../session/given.js';

type Headers = Readonly<Record<string, string>>;

function check(headers: Headers) {
  const { options, events, listened } = given({
    baseUrl: 'https://app.example.com/base',
    allowedOrigins: ['https://admin.example.com'],
  });
  const run = () => new OriginCheck(options, events).require({ method: 'POST', headers });
  return { run, listened };
}

const OURS = 'https://app.example.com';

describe('OriginCheck lets through [BFF-02]', () => {
  const accepted: readonly (readonly [string, Headers])[] = [
    ['a script of our own pages', { origin: OURS, 'sec-fetch-site': 'same-origin' }],
    ['a browser without Sec-Fetch', { origin: OURS }],
    ['a browser without Origin', { 'sec-fetch-site': 'same-origin' }],
    ['what the user does without a page, as loading one again', { 'sec-fetch-site': 'none' }],
    [
      'a form on a page of ours that hides its origin (Referrer-Policy: no-referrer, the default of Helmet)',
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
    ],
    ['an origin that the options allow', { origin: 'https://admin.example.com', 'sec-fetch-site': 'same-site' }],
    ['what is no browser', {}],
    [
      'our page, whatever the Host header says',
      { origin: OURS, host: 'evil.example', 'x-forwarded-host': 'evil.example' },
    ],
  ];
  it.each(accepted)('%s', (_what, headers) => {
    const { run, listened } = check(headers);
    expect(run).not.toThrow();
    expect(listened).toEqual([]);
  });
});

describe('OriginCheck refuses [BFF-02]', () => {
  const refused: readonly (readonly [string, Headers, string])[] = [
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 'origin'],
    ['another site that sends no Sec-Fetch', { origin: 'https://evil.example' }, 'origin'],
    ['another site that sends no Origin', { 'sec-fetch-site': 'cross-site' }, 'sec_fetch'],
    ['a sibling domain', { origin: 'https://blog.example.com', 'sec-fetch-site': 'same-site' }, 'origin'],
    ['a sibling domain that sends no Origin', { 'sec-fetch-site': 'same-site' }, 'sec_fetch'],
    ['an opaque origin', { origin: 'null' }, 'origin'],
    ['an opaque origin, as of a frame in a sandbox', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 'origin'],
    ['an opaque origin of a sibling domain', { origin: 'null', 'sec-fetch-site': 'same-site' }, 'origin'],
    ['an opaque origin that comes from nowhere', { origin: 'null', 'sec-fetch-site': 'none' }, 'origin'],
    [
      'an opaque origin that claims twice to be of one origin',
      { origin: 'null', 'sec-fetch-site': 'same-origin, same-origin' },
      'origin',
    ],
    [
      'another site that says it comes from nowhere',
      { origin: 'https://evil.example', 'sec-fetch-site': 'none' },
      'origin',
    ],
    ['an empty origin', { origin: '' }, 'origin'],
    ['our host on plain http', { origin: 'http://app.example.com' }, 'origin'],
    ['our host on another port', { origin: 'https://app.example.com:8443' }, 'origin'],
    ['an origin that begins like ours', { origin: 'https://app.example.com.evil.example' }, 'origin'],
    ['an origin that has ours in its path', { origin: 'https://evil.example/https://app.example.com' }, 'origin'],
    ['two origins', { origin: `${OURS}, https://evil.example` }, 'origin'],
    [
      'our origin in a request that the browser calls cross-site',
      { origin: OURS, 'sec-fetch-site': 'cross-site' },
      'sec_fetch',
    ],
    ['a Sec-Fetch-Site that nobody knows', { 'sec-fetch-site': 'unheard-of' }, 'sec_fetch'],
    ['another site that forges the Host header', { origin: 'https://evil.example', host: 'evil.example' }, 'origin'],
  ];
  it.each(refused)('%s, and tells', (_what, headers, sign) => {
    const { run, listened } = check(headers);
    expect(run).toThrow(CrossOriginRequestError);
    expect(run).toThrow(expect.objectContaining({ detail: sign, statusCode: 403 }));
    expect(listened[0]).toEqual({ name: 'request.cross_origin', reason: sign });
  });
});
