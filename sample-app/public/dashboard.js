import { setBusy } from './busy.js';
import { session, token } from './gauges.js';
import { showProcess } from './processes.js';
import { endSession, hasEnded } from './session-end.js';
import { onEntry } from './timeline.js';

const CALLS = ['/api/resource', '/api/resource', '/api/profile', '/api/resource', '/api/resource'];
const REPEAT_MS = 5000;
const BURST = 20;
/** How long after the last answer the timeline may tell of the burst. */
const AFTERGLOW_MS = 1000;

const element = (id) => document.getElementById(id);

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

const isGood = ({ status }) => status >= 200 && status < 300;

/** All at once. Answers nothing when they tell that the session has ended. */
async function callAll(paths) {
  const startedAt = performance.now();
  const results = await Promise.all(paths.map(call));
  if (results.some(({ status }) => status === 401)) {
    endSession();
    return undefined;
  }
  for (const { headers } of results) {
    token.set(Number.parseFloat(headers.get('token-expires-in')));
    session.set(Number.parseFloat(headers.get('session-expires-in')));
  }
  return { results, good: results.filter(isGood).length, elapsed: performance.now() - startedAt };
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
  cell('status').classList.add(isGood(result) ? 'good' : 'bad');
  if (headers.has('served-by')) showProcess(cell('process'), headers.get('served-by'));
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

let sending = false;

async function sendAll() {
  if (sending || hasEnded()) return;
  sending = true;
  setBusy(element('again'), true);
  const answer = await callAll(CALLS);
  sending = false;
  if (!answer) return;
  const { results, good, elapsed } = answer;
  const slowest = Math.max(...results.map(({ ms }) => ms));
  element('calls').replaceChildren(...results.map((result) => rowOf(result, slowest)));
  const auth = results.reduce((sum, result) => sum + costOf(result).auth, 0) / results.length;
  element('summary').textContent =
    good < results.length
      ? `${good} of ${results.length} answered well; the others failed.`
      : `All ${results.length} answered in ${elapsed.toFixed(0)} ms. Session and tokens took ${auth.toFixed(1)} ms of each.`;
  setBusy(element('again'), false);
}

/** Many requests that meet a token which has to be refreshed, and who of them did it. */
async function fireBurst() {
  const path = element('renew').checked ? '/api/resource?renew=1' : '/api/resource';
  const told = { refresh: 0, shared: 0 };
  let answer;
  const stop = onEntry(({ kind }) => {
    if (kind in told) told[kind] += 1;
    if (answer) element('burst-summary').textContent = summaryOf(answer, told);
  });
  setBusy(element('burst'), true);
  answer = await callAll(Array.from({ length: BURST }, () => path));
  if (!answer) return stop();
  element('burst-summary').textContent = summaryOf(answer, told);
  setBusy(element('burst'), false);
  setTimeout(stop, AFTERGLOW_MS);
}

function summaryOf({ results, good, elapsed }, { refresh, shared }) {
  const processes = new Set(results.map(({ headers }) => headers.get('served-by'))).size;
  const answered = `${good} of ${results.length} answered in ${elapsed.toFixed(0)} ms by ${counted(processes, 'process', 'es')}.`;
  if (refresh + shared === 0) return `${answered} The token was good: nobody had to refresh it.`;
  return `${answered} ${counted(refresh, 'refresh', 'es')} at the provider; ${counted(shared, 'request')} shared the result.`;
}

function counted(number, word, plural = 's') {
  return number === 1 ? `1 ${word}` : `${number} ${word}${plural}`;
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
element('burst').addEventListener('click', fireBurst);
element('note-form').addEventListener('submit', addNote);
setInterval(() => {
  if (!hasEnded() && element('repeat').checked && !document.hidden) void sendAll();
}, REPEAT_MS);

// A page that comes out of the back/forward cache may belong to somebody who has logged out since.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

void sendAll();
