import type { Session, SessionSummary } from 'nest-oidc';
import { ago } from './ago.js';
import { deviceName } from './device-name.js';
import { html, type Html } from './html.js';

export interface SessionList {
  readonly current: Session;
  readonly all: readonly SessionSummary[];
  /** How many a form has just ended, if one has. */
  readonly ended: number | undefined;
}

/** Where the user is logged in, and forms to change that. */
export function sessionsSection({ current, all, ended }: SessionList, now: number): Html {
  // The current one first; the others are the newest first.
  const sorted = [...all].sort((one, other) => Number(other.id === current.id) - Number(one.id === current.id));
  const others = all.filter(({ id }) => id !== current.id).length;
  return html`<section class="card wide" aria-labelledby="sessions-name">
    <div class="split">
      <h2 id="sessions-name">Where you are logged in</h2>
      ${others > 0 && endOthersForm()}
    </div>
    ${ended !== undefined && notice(ended)}
    <ul class="sessions">
      ${sorted.map((session) => item(session, session.id === current.id, now))}
    </ul>
    <p class="hint">
      ${others > 0 ? 'A session that you end is over at once, on every process.' : 'To see another one here, log in with another browser or a private window.'}
    </p>
  </section>`;
}

/** Focused when the page opens: it is the answer to what the user has just done. */
function notice(ended: number): Html {
  const text = ['Nothing to log out: that session was over already.', 'One other session was logged out.'][ended];
  return html`<p class="notice" role="status" tabindex="-1" autofocus>
    ${text ?? `${ended} other sessions were logged out.`}
  </p>`;
}

function item({ id, agent, address, createdAt, lastSeenAt }: SessionSummary, isCurrent: boolean, now: number): Html {
  const name = deviceName(agent);
  const seen = isCurrent ? 'just now' : ago(lastSeenAt, now);
  return html`<li>
    <div class="session">
      <p class="device"><strong>${name}</strong> ${isCurrent && html`<span class="badge">this browser</span>`}</p>
      <p class="hint">
        Logged in <time datetime="${new Date(createdAt).toISOString()}">${ago(createdAt, now)}</time>, last seen ${seen}
        ${address !== undefined && `· ${isLoopback(address) ? 'on this computer' : address}`}
      </p>
    </div>
    ${!isCurrent && endForm(id, name)}
  </li>`;
}

function isLoopback(address: string): boolean {
  return /^(?:::1|(?:::ffff:)?127\.[\d.]+)$/u.test(address);
}

/** Buttons that look alike have names that do not. This browser has its own at the top of the page. */
function endForm(id: string, name: string): Html {
  return html`<form method="post" action="/sessions/${id}/end">
    <button class="button quiet small" data-busy-text="…" aria-label="Log out ${name}">Log out</button>
  </form>`;
}

function endOthersForm(): Html {
  return html`<form method="post" action="/sessions/others/end">
    <button class="button quiet" data-busy-text="Logging out…">Log out the others</button>
  </form>`;
}
