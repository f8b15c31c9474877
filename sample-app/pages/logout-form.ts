import { html, type Html } from './html.js';

/** Logging out changes state, so it is a form that posts, never a link. */
export function logoutForm(): Html {
  return html`<form method="post" action="/auth/logout">
    <button class="button quiet" data-busy-text="Logging out…">Log out</button>
  </form>`;
}
