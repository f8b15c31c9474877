import { createHash } from 'node:crypto';

export interface ErrorPage {
  readonly title: string;
  readonly explanation: string;
  /** Path of a link, with its text. */
  readonly link: { readonly href: string; readonly text: string } | undefined;
  readonly code: string;
  readonly correlationId: string;
}

const STYLE = `
:root { color-scheme: light dark; font: 1.05rem/1.55 system-ui, sans-serif; }
body { max-width: 34rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
a { font-weight: 600; }
small { display: block; margin-top: 2.5rem; opacity: 0.7; font-size: 0.8rem; }
`;

/** Lets the page's one style sheet through and nothing else. */
export const ERROR_PAGE_STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

/** A page for people: what happened, where to go, and what to tell whoever they ask for help. */
export function errorPage({ title, explanation, link, code, correlationId }: ErrorPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(explanation)}</p>
${link ? `<p><a href="${escapeHtml(link.href)}">${escapeHtml(link.text)}</a></p>` : ''}
<small>${escapeHtml(code)} · ${escapeHtml(correlationId)}</small>
</body>
</html>
`;
}

/** A page that goes on to another one by itself, or by a click. */
export function forwardingPage(path: string): string {
  const href = escapeHtml(path);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0;url=${href}">
<title>Logged in</title>
<p><a href="${href}">Continue</a></p>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/gu, (character) => `&#${character.charCodeAt(0)};`);
}
