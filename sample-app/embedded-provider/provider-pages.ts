import { Html, html } from '../pages/html.js';
import { layout } from '../pages/layout.js';
import { DEMO_USERS } from './demo-users.js';

export interface LoginForm {
  readonly uid: string;
  readonly userName?: string;
  /** The last attempt did not match. */
  readonly refused?: boolean;
}

export function loginPage({ uid, userName = '', refused = false }: LoginForm): string {
  return card(
    refused ? 'Wrong user name or password' : 'Log in',
    html`<h1>Log in</h1>
      <p class="hint">to go on to <strong>nest-oidc sample</strong></p>
      ${refused && html`<p class="alert" role="alert" id="problem">User name or password is wrong.</p>`}
      <form method="post" action="/interaction/${uid}">
        <label class="field"
          ><span>User name</span
          ><input
            name="username"
            value="${userName}"
            autocomplete="username"
            autocapitalize="none"
            spellcheck="false"
            required
            ${!refused && html`autofocus`}
        /></label>
        <label class="field"
          ><span>Password</span
          ><input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            ${refused && html`autofocus aria-invalid="true" aria-describedby="problem"`}
        /></label>
        <button class="button" data-busy-text="Logging in…">Log in</button>
      </form>
      <div class="demo">
        <strong>Demo users</strong>
        ${DEMO_USERS.map(({ sub, password }) => html`<span><code>${sub}</code> with password <code>${password}</code></span>`)}
      </div>`,
  );
}

/** Confirms by itself when nobody needs to be asked; the button is for browsers without scripts. */
export function logoutPage(form: string, { ask }: { readonly ask: boolean }): string {
  const text = ask ? 'Do you want to log out of the demonstration provider?' : 'One moment, you are being logged out.';
  return card(
    'Log out',
    html`<h1>Log out</h1>
      <p>${text}</p>
      ${new Html(form)}
      <p><button class="button" form="op.logoutForm" name="logout" value="yes" id="confirm">Log out</button></p>`,
    ask ? [] : ['confirm-logout.js'],
  );
}

export function loggedOutPage(appUrl: string): string {
  return card(
    'Logged out',
    html`<h1>You are logged out.</h1>
      <p><a href="${appUrl}/">Back to the app</a></p>`,
  );
}

/** Nothing of the request is shown. */
export function errorPage(appUrl: string): string {
  return card(
    'This does not work',
    html`<h1>This login cannot be continued.</h1>
      <p>It may have taken too long, or was started in another browser.</p>
      <p><a class="button" href="${appUrl}/">Back to the app</a></p>`,
  );
}

function card(title: string, content: Html, scripts: readonly string[] = ['busy.js']): string {
  return layout({
    title: `${title} · demonstration provider`,
    brand: html`<span class="brand">Demonstration provider</span>`,
    main: html`<div class="narrow"><section class="card">${content}</section></div>`,
    scripts,
  });
}
