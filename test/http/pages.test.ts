import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ERROR_PAGE_STYLE_SOURCE, errorPage, forwardingPage, type ErrorPage } from '../../lib/http/pages.js';

const PAGE: ErrorPage = {
  title: 'Title',
  explanation: 'Explanation.',
  link: { href: '/auth/login', text: 'Log in again' },
  code: 'state_mismatch',
  correlationId: 'abc',
};

/** The page with all that varies taken out of it, to see that nothing else has changed. */
function tagsOf(page: string): readonly string[] {
  return page.match(/<[^>]*>/gu)?.map((tag) => tag.replace(/href="[^"]*"/u, 'href')) ?? [];
}

describe('errorPage', () => {
  it('shows what happened, where to go, and what to tell', () => {
    const page = errorPage(PAGE);
    expect(page).toContain('<h1>Title</h1>');
    expect(page).toContain('<p>Explanation.</p>');
    expect(page).toContain('<a href="/auth/login">Log in again</a>');
    expect(page).toContain('state_mismatch · abc');
  });

  it('has no link where there is nowhere to go', () => {
    expect(errorPage({ ...PAGE, link: undefined })).not.toContain('<a');
  });

  it('escapes everything it is given [ERR-02]', () => {
    const evil = `"'><script>alert(1)</script>&`;
    const page = errorPage({
      title: evil,
      explanation: evil,
      link: { href: evil, text: evil },
      code: evil,
      correlationId: evil,
    });
    expect(page).not.toContain('<script>');
    expect(page).toContain('&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;');
    expect(page.split('&#60;script&#62;')).toHaveLength(8);
  });

  it('has the same markup whatever it is given [ERR-02]', () => {
    const text = fc.array(fc.constantFrom('<', '>', '"', "'", '&', 'script', '-->', 'x'), { maxLength: 20 });
    const expected = tagsOf(errorPage(PAGE));
    fc.assert(
      fc.property(text, (parts) => {
        const evil = parts.join('');
        const page = errorPage({
          title: evil,
          explanation: evil,
          link: { href: evil, text: evil },
          code: evil,
          correlationId: evil,
        });
        expect(tagsOf(page)).toEqual(expected);
      }),
    );
  });

  it('has no script, no other style than the one the policy names, and loads nothing', () => {
    const page = errorPage(PAGE);
    const [, style = ''] = /<style>([^]*)<\/style>/u.exec(page) ?? [];
    expect(ERROR_PAGE_STYLE_SOURCE).toBe(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(page).not.toMatch(/<script|<img|<link|src=|url\(|style=|\son\w+=/iu);
  });
});

describe('forwardingPage', () => {
  it('goes to the path, whatever is in it, and nowhere else [ERR-02]', () => {
    const page = forwardingPage(`/a?b="'><script>alert(1)</script>&c;url=https://evil.example`);
    const escaped = '/a?b=&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;c;url=https://evil.example';
    expect(page).toContain(`<meta http-equiv="refresh" content="0;url=${escaped}">`);
    expect(page).toContain(`<a href="${escaped}">`);
    expect(tagsOf(page)).toEqual(tagsOf(forwardingPage('/')).map((tag) => tag.replace('0;url=/', `0;url=${escaped}`)));
  });
});
