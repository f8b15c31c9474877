import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly repository?: { readonly url: string };
};

/** Anchors of headings as GitHub makes them, so that one link leads there on both. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** Where the files are that are no pages: tests, the sample. `undefined` until `package.json` names the repository. */
export const repositoryUrl = manifest.repository?.url.replace(/^git\+/u, '').replace(/\.git$/u, '');

/**
 * Where a link of a page leads on the site. Pages are linked as files, as GitHub has them; a `README.md` is its folder's
 * index here, and what is outside of `docs` is at the repository, or `undefined` where nobody has said where that is.
 */
export function linkOnSite(href: string, page: string): string | undefined {
  if (/^(?:[a-z]+:|#|\/)/iu.test(href)) return href;
  const path = posix.join('docs', posix.dirname(page), href);
  if (path.startsWith('docs/')) return href.replace(/(?<=^|\/)README\.md(?=#|$)/u, 'index.md');
  return repositoryUrl && `${repositoryUrl}/blob/main/${path}`;
}
