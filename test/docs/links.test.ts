import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { anchorOf, linkOnSite } from '../../docs/.vitepress/links.js';
import { pages, read, ROOT } from './snippets.js';

/** Without code, in which brackets mean something else. */
const prose = (page: string): string =>
  read(page)
    .replace(/^(?<fence>`{3,}).*?^\k<fence>$/gmsu, '')
    .replace(/`[^`\n]*`/gu, '');

function anchorsOf(page: string): Set<string> {
  const text = read(page).replace(/^(?<fence>`{3,}).*?^\k<fence>$/gmsu, '');
  const headings = Array.from(text.matchAll(/^#{1,6} (?<title>.+)$/gmu), ({ groups }) => groups?.['title'] ?? '');
  return new Set(headings.map((title) => anchorOf(title.replace(/[`*]|\]\([^)]*\)|\[/gu, ''))));
}

function brokenLinksOf(page: string): string[] {
  const links = Array.from(prose(page).matchAll(/\]\((?<href>[^)\s]+)\)/gu), ({ groups }) => groups?.['href'] ?? '');
  return links
    .filter((href) => !/^[a-z]+:/u.test(href) && !leadsSomewhere(page, href))
    .map((href) => `${page}: ${href}`);
}

function leadsSomewhere(page: string, href: string): boolean {
  const [path = '', anchor] = href.split('#');
  const target = path === '' ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(posix.join(ROOT, target))) return false;
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(target).has(anchor);
}

describe('a link of the documentation', () => {
  it('leads to a file that is there, and to a heading that is in it', () => {
    const all = pages();
    expect(all.length).toBeGreaterThan(20);
    // What writes the security table takes its links from the tests that have run.
    const written = all.filter((page) => page !== 'docs/security.md');
    expect([...written, 'README.md'].flatMap(brokenLinksOf)).toEqual([]);
  });

  it('to a README.md leads to the index of the folder on the site', () => {
    expect(linkOnSite('../providers/README.md#another', 'concepts/login.md')).toBe('../providers/index.md#another');
  });

  it('to another page, to a heading, or to elsewhere stays as it is', () => {
    for (const href of ['login.md', '../faq.md#x', '#here', 'https://example.com/README.md']) {
      expect(linkOnSite(href, 'concepts/login.md')).toBe(href);
    }
  });

  it('to a file outside of docs leads to no page of the site', () => {
    expect(linkOnSite('../../lib/index.ts', 'concepts/login.md') ?? 'https://').toMatch(/^https:/u);
  });
});
