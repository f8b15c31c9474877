import { setBusy } from './busy.js';

const CALLS = ['/api/resource', '/api/resource', '/api/profile', '/api/resource', '/api/resource'];
const REPEAT_MS = 5000;

const element = (id) => document.getElementById(id);

/** Counts down between answers of the server, which says how many seconds are left. */
class Gauge {
  constructor(id) {
    this.figure = element(`${id}-left`);
    this.bar = element(`${id}-bar`);
    this.note = element(`${id}-note`);
    this.longest = 0;
    this.set(Number.parseFloat(this.figure.dataset.seconds ?? ''));
  }

  get left() {
    return Math.max(0, this.seconds - (performance.now() - this.setAt) / 1000);
  }

  /** Answers whether the end has moved away, which is what a refresh does. */
  set(seconds) {
    if (!Number.isFinite(seconds)) return false;
    const renewed = this.setAt !== undefined && seconds > this.left + 2;
    this.seconds = seconds;
    this.setAt = performance.now();
    this.longest = Math.max(this.longest, seconds);
    this.show();
    return renewed;
  }

  show() {
    if (this.setAt === undefined) return;
    const { left } = this;
    this.figure.textContent = left > 0 ? spanOf(left) : 'expired';
    this.figure.classList.toggle('over', left === 0);
    this.bar.value = this.longest === 0 ? 0 : left / this.longest;
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = false;
  }
}

function spanOf(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

const token = new Gauge('token');
const session = new Gauge('session');
let refreshes = 0;

/** One request, and everything that the table says about it. */
async function call(path) {
  const startedAt = performance.now();
  try {
    const response = await fetch(path, { headers: { accept: 'application/json' }, cache: 'no-store' });
    await response.arrayBuffer();
    return { path, ms: performance.now() - startedAt, status: response.status, headers: response.headers };
  } catch {
    return { path, ms: performance.now() - startedAt, status: 0, headers: new Headers() };
  }
}

function costOf({ headers, ms }) {
  const named = [...(headers.get('server-timing') ?? '').matchAll(/(\w+);dur=([\d.]+)/gu)];
  const { auth = 0, app = 0 } = Object.fromEntries(named.map(([, name, duration]) => [name, Number(duration)]));
  return { auth, app, wire: Math.max(0, ms - auth - app) };
}

function rowOf(result, slowest) {
  const { path, status, ms, headers } = result;
  const row = element('call-row').content.cloneNode(true);
  const cell = (name) => row.querySelector(`[data-cell=${name}]`);
  cell('path').textContent = path;
  cell('status').textContent = status === 0 ? 'no answer' : String(status);
  cell('status').classList.add(status >= 200 && status < 300 ? 'good' : 'bad');
  cell('time').textContent = `${ms.toFixed(0)} ms`;
  const left = headers.get('token-expires-in');
  cell('token').textContent = left === null ? '–' : `${Math.floor(Number(left))} s`;
  const cost = costOf(result);
  for (const [name, value] of Object.entries(cost)) {
    const part = cell(name);
    part.setAttribute('width', String((100 * value) / slowest));
    part.setAttribute('x', String((100 * offsetOf(name, cost)) / slowest));
  }
  cell('bar').setAttribute(
    'aria-label',
    `${cost.auth.toFixed(1)} ms session and tokens, ${cost.app.toFixed(1)} ms API, ${cost.wire.toFixed(1)} ms network and waiting`,
  );
  return row;
}

function offsetOf(name, { auth, app }) {
  return { auth: 0, app: auth, wire: auth + app }[name];
}

function show(results, elapsed) {
  const slowest = Math.max(...results.map(({ ms }) => ms));
  element('calls').replaceChildren(...results.map((result) => rowOf(result, slowest)));
  for (const { headers } of results) {
    if (token.set(Number.parseFloat(headers.get('token-expires-in')))) refreshes += 1;
    session.set(Number.parseFloat(headers.get('session-expires-in')));
  }
  if (refreshes > 0) token.say(refreshes === 1 ? 'refreshed once' : `refreshed ${refreshes} times`);
  summarize(results, elapsed);
}

function summarize(results, elapsed) {
  const summary = element('summary');
  const good = results.filter(({ status }) => status === 200).length;
  const retryAfter = results.map(({ headers }) => headers.get('retry-after')).find((seconds) => seconds !== null);
  summary.classList.toggle('bad', good < results.length);
  if (results.some(({ status }) => status === 401)) {
    const link = Object.assign(document.createElement('a'), { href: '/dashboard', textContent: 'Log in again' });
    summary.replaceChildren('Your session has ended. ', link);
    element('repeat').checked = false;
  } else if (retryAfter) {
    summary.textContent = `Not available right now; you are still logged in. Try again in ${retryAfter} s.`;
  } else if (good < results.length) {
    summary.textContent = `${good} of ${results.length} answered well; the others failed.`;
  } else {
    const auth = results.reduce((sum, result) => sum + costOf(result).auth, 0) / results.length;
    summary.textContent =
      `All ${results.length} answered in ${elapsed.toFixed(0)} ms. ` +
      `Session and tokens took ${auth.toFixed(1)} ms of each.`;
  }
}

let sending = false;

async function sendAll() {
  if (sending) return;
  sending = true;
  setBusy(element('again'), true);
  const startedAt = performance.now();
  const results = await Promise.all(CALLS.map(call));
  show(results, performance.now() - startedAt);
  setBusy(element('again'), false);
  sending = false;
}

async function addNote(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector('button');
  setBusy(button, true);
  const item = document.createElement('li');
  try {
    const response = await fetch('/api/notes', {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ text: element('note').value }),
    });
    item.textContent = response.ok ? (await response.json()).text : `Not added (${response.status}).`;
    if (response.ok) form.reset();
    else item.className = 'bad';
  } catch {
    Object.assign(item, { textContent: 'Not added: no answer.', className: 'bad' });
  }
  element('notes').prepend(item);
  setBusy(button, false);
  element('note').focus();
}

element('again').addEventListener('click', sendAll);
element('note-form').addEventListener('submit', addNote);
setInterval(() => [token, session].forEach((gauge) => gauge.show()), 250);
setInterval(() => {
  if (element('repeat').checked && !document.hidden) void sendAll();
}, REPEAT_MS);

// A page that comes out of the back/forward cache may belong to somebody who has logged out since.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

void sendAll();
