import { html, type Html } from './html.js';

export interface Page {
  readonly title: string;
  /** Whose page it is. @default the app's own name, as a link to its front page */
  readonly brand?: Html;
  /** Beside the name of the app. */
  readonly actions?: Html;
  readonly main: Html;
  readonly scripts?: readonly string[];
}

const ICON = html`<img src="/assets/icon.svg" alt="" width="28" height="28" />`;
const APP = html`<a class="brand" href="/"
  >${ICON}<span>nest-oidc <small>sample</small></span></a
>`;

/** The frame that all pages share, those of the embedded provider included. */
export function layout({ title, brand = APP, actions, main, scripts = [] }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/app.css" />
        ${scripts.map((script) => html`<script src="/assets/${script}" type="module"></script>`)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="bar">
          ${brand}
          <div class="actions">${actions}</div>
        </header>
        <main id="main">${main}</main>
      </body>
    </html>`.text;
}
