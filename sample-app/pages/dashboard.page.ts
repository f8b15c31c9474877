import type { Claims, Session } from 'nest-oidc';
import { html, type Html } from './html.js';
import { layout } from './layout.js';
import { logoutForm } from './logout-form.js';
import { userName } from './user-name.js';

/** The protected page. Its script fires five API requests at once and shows what became of them. */
export function dashboardPage(session: Session, now: number): string {
  const { claims, accessTokenExpiresAt, expiresAt } = session;
  return layout({
    title: 'Dashboard · nest-oidc sample',
    actions: html`<span class="user">${userName(claims)}</span>${logoutForm()}`,
    main: html`<div class="heading">
        <h1>Dashboard</h1>
        <p>Every request below needs a session, and four of them an access token that is still good.</p>
      </div>
      <div class="grid">
        ${gauge('token', 'Access token', 'Refreshed by the server when it is due.', secondsBetween(now, accessTokenExpiresAt))}
        ${gauge('session', 'Session', 'Ends when nothing happens for this long.', secondsBetween(now, expiresAt))}
        ${calls()} ${notes()} ${identity(claims)}
      </div>`,
    scripts: ['busy.js', 'dashboard.js'],
  });
}

function secondsBetween(now: number, then: number | undefined): number | undefined {
  return then === undefined ? undefined : (then - now) / 1000;
}

/** A time span, not a point in time: the clocks of browser and server need not agree. */
function gauge(id: string, name: string, explanation: string, seconds: number | undefined): Html {
  return html`<section class="card gauge" aria-labelledby="${id}-name">
    <h2 id="${id}-name">${name} <span class="badge" id="${id}-note" hidden></span></h2>
    <p class="figure" id="${id}-left" data-seconds="${seconds?.toFixed(1)}">
      ${seconds === undefined ? 'no end stated' : '…'}
    </p>
    <progress id="${id}-bar" max="1" value="1" aria-labelledby="${id}-name"></progress>
    <p class="hint">${explanation}</p>
  </section>`;
}

function calls(): Html {
  return html`<section class="card wide" aria-labelledby="calls-name">
    <div class="split">
      <h2 id="calls-name">Five requests at once</h2>
      <div class="row">
        <label class="check"><input type="checkbox" id="repeat" /> every 5 seconds</label>
        <button class="button" id="again" type="button" data-busy-text="Sending…">Send again</button>
      </div>
    </div>
    <p class="status" id="summary" role="status" aria-live="polite">Sending five requests…</p>
    <div class="scroll" role="region" aria-labelledby="calls-name" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Status</th>
            <th scope="col" class="number">Time</th>
            <th scope="col" class="cost">Where it went</th>
            <th scope="col" class="number">Token left</th>
          </tr>
        </thead>
        <tbody id="calls"></tbody>
      </table>
      ${callRow()}
    </div>
    <p class="legend" aria-hidden="true">
      <span class="key auth">session and tokens</span><span class="key app">the API behind</span
      ><span class="key wire">network and waiting</span>
    </p>
    <noscript><p class="status bad">This page sends its requests with JavaScript, which is switched off.</p></noscript>
  </section>`;
}

/** What the script fills in for each request. The bar is SVG: its parts have widths without inline styles. */
function callRow(): Html {
  return html`<template id="call-row">
    <tr>
      <th scope="row" data-cell="path"></th>
      <td><span class="pill" data-cell="status"></span></td>
      <td class="number" data-cell="time"></td>
      <td class="cost">
        <svg data-cell="bar" role="img" viewBox="0 0 100 8" preserveAspectRatio="none">
          <rect class="auth" data-cell="auth" height="8" />
          <rect class="app" data-cell="app" height="8" />
          <rect class="wire" data-cell="wire" height="8" />
        </svg>
      </td>
      <td class="number" data-cell="token"></td>
    </tr>
  </template>`;
}

function notes(): Html {
  return html`<section class="card" aria-labelledby="notes-name">
    <h2 id="notes-name">A request that changes something</h2>
    <p class="hint">Answered for pages of this origin only; nothing is stored.</p>
    <form id="note-form" class="row">
      <label class="field"
        ><span>Note</span><input id="note" name="text" maxlength="200" required autocomplete="off"
      /></label>
      <button class="button quiet" data-busy-text="Adding…">Add</button>
    </form>
    <ul id="notes" class="notes" aria-live="polite"></ul>
  </section>`;
}

function identity(claims: Claims): Html {
  const shown = ['sub', 'name', 'email', 'iss'].filter((name) => claims[name] !== undefined);
  return html`<section class="card" aria-labelledby="identity-name">
    <h2 id="identity-name">Who the provider says you are</h2>
    <dl>
      ${shown.map(
        (name) =>
          html`<dt>${name}</dt>
            <dd>${claims[name]}</dd>`,
      )}
    </dl>
  </section>`;
}
