import type { Claims, Session, SessionSummary } from 'nest-oidc';
import { PROCESS_NAME } from '../process-name.js';
import { html, type Html } from './html.js';
import { layout } from './layout.js';
import { logoutForm } from './logout-form.js';
import { sessionsSection } from './sessions.section.js';
import { userName } from './user-name.js';

export interface Dashboard {
  readonly session: Session;
  /** All sessions of the user. */
  readonly sessions: readonly SessionSummary[];
  /** How many of them a form has just ended, if one has. */
  readonly ended: number | undefined;
}

/** The protected page. Its scripts fire API requests and show what became of them, here and on the server. */
export function dashboardPage({ session, sessions, ended }: Dashboard, now: number): string {
  const { claims, accessTokenExpiresAt, expiresAt } = session;
  return layout({
    title: 'Dashboard · nest-oidc sample',
    actions: html`<span class="user">${userName(claims)}</span>${logoutForm()}`,
    main: html`<div class="heading">
        <h1>Dashboard</h1>
        <p>You are logged in, and stay so: watch the server refresh your tokens, once, for whoever asks.</p>
      </div>
      <div class="dashboard">
        ${timeline()}
        <div class="stack">
          ${gauge('token', 'Access token', 'Refreshed by the server when it is due.', secondsBetween(now, accessTokenExpiresAt))}
          ${gauge('session', 'Session', 'Ends when nothing happens for this long.', secondsBetween(now, expiresAt))}
          ${identity(claims)}
        </div>
        ${sessionsSection({ current: session, all: sessions, ended }, now)} ${calls()} ${notes()}
      </div>
      ${sessionEnded()}`,
    scripts: ['busy.js', 'dashboard.js'],
  });
}

function secondsBetween(now: number, then: number | undefined): number | undefined {
  return then === undefined ? undefined : (then - now) / 1000;
}

/** Filled in by the script, from the events of all processes. */
function timeline(): Html {
  return html`<section class="card timeline" aria-labelledby="timeline-name">
    <div class="split">
      <h2 id="timeline-name">What the server is doing <span class="badge" id="live" hidden>live</span></h2>
      <span class="hint">This page came from <span class="process" data-process>${PROCESS_NAME}</span></span>
    </div>
    <div class="row">
      <button class="button" id="burst" type="button" data-busy-text="Sending…">Fire 20 requests at once</button>
      <label class="check"><input type="checkbox" id="renew" checked /> with a token to be refreshed</label>
    </div>
    <p class="status" id="burst-summary" role="status">
      Each request asks for the access token. Whoever comes first refreshes it, everybody else shares the result.
    </p>
    <div class="scroll feed" role="region" aria-label="Timeline" tabindex="0">
      <ol id="timeline" class="entries"></ol>
      <p class="hint" id="timeline-empty">Nothing yet.</p>
    </div>
    <noscript><p class="status bad">The timeline needs JavaScript, which is switched off.</p></noscript>
    <template id="entry">
      <li>
        <time data-part="time"></time>
        <span class="process" data-part="process"></span>
        <span class="what"><span data-part="text"></span> <small data-part="ms"></small></span>
        <span class="times" data-part="count" hidden></span>
      </li>
    </template>
  </section>`;
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
      <h2 id="calls-name">Five requests, and what each cost</h2>
      <div class="row">
        <label class="check"><input type="checkbox" id="repeat" /> every 5 seconds</label>
        <button class="button quiet" id="again" type="button" data-busy-text="Sending…">Send again</button>
      </div>
    </div>
    <p class="status" id="summary" role="status" aria-live="polite">Sending five requests…</p>
    <div class="scroll" role="region" aria-label="Requests" tabindex="0">
      <table class="calls">
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Status</th>
            <th scope="col">Served by</th>
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
      <td><span class="process" data-cell="process"></span></td>
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
  return html`<section class="card wide" aria-labelledby="notes-name">
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

/** Takes the place of everything else when the session has ended: nothing private stays on the screen. */
function sessionEnded(): Html {
  return html`<template id="session-ended">
    <div class="narrow">
      <section class="card">
        <h1 tabindex="-1">Your session has ended.</h1>
        <p>It ran out, or was logged out: in another tab, from another browser or at the provider.</p>
        <p class="row">
          <a class="button" href="/auth/login?returnTo=/dashboard" data-busy-text="One moment…">Log in again</a>
          <a class="button quiet" href="/">Front page</a>
        </p>
      </section>
    </div>
  </template>`;
}
