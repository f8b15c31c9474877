import type { Claims } from 'nest-oidc';
import { html, type Html } from './html.js';
import { layout } from './layout.js';
import { logoutForm } from './logout-form.js';
import { userName } from './user-name.js';

/** The public front page, for somebody who is logged in, or for anybody. */
export function homePage(user: Claims | undefined): string {
  return layout({
    title: 'nest-oidc sample',
    actions: user ? logoutForm() : html``,
    main: html`<section class="hero">
      <p class="eyebrow">OpenID Connect for NestJS</p>
      <h1>Logged in, and staying so.</h1>
      <p class="lead">
        The browser holds one opaque cookie. Tokens stay on the server, where they are refreshed before they expire:
        once, however many requests ask at the same time.
      </p>
      ${user ? loggedIn(user) : loggedOut()}
      <ul class="facts">
        <li><strong>One cookie.</strong> It opens the session, and is all that the browser ever gets to see.</li>
        <li><strong>One refresh.</strong> Five requests, several processes, one call to the provider.</li>
        <li><strong>One way out.</strong> Logging out ends the session here first, then at the provider.</li>
      </ul>
    </section>`,
    scripts: ['busy.js'],
  });
}

function loggedIn(user: Claims): Html {
  return html`<p class="who">
      <span class="dot" aria-hidden="true"></span> Logged in as <strong>${userName(user)}</strong>
    </p>
    <p class="row"><a class="button" href="/dashboard">Open the dashboard</a></p>`;
}

function loggedOut(): Html {
  return html`<p class="who"><span class="dot off" aria-hidden="true"></span> Nobody is logged in.</p>
    <p class="row">
      <a class="button" href="/auth/login?returnTo=/dashboard" data-busy-text="One moment…">Log in</a>
      <a class="button quiet" href="/dashboard">Open the dashboard anyway</a>
    </p>`;
}
