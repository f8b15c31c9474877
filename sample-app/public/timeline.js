// What the server is doing, as it tells over server-sent events.

import { token } from './gauges.js';
import { showProcess } from './processes.js';
import { endSession, hasEnded } from './session-end.js';

const SAME_MS = 2000;
const MOST_SHOWN = 60;
const RETRY_MS = 3000;

const element = (id) => document.getElementById(id);
const known = new Set();
const groups = [];
const listeners = new Set();
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
let refreshes = 0;
let source;

/** Calls `listener` with each entry that arrives. Answers how to stop that. */
export function onEntry(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The same again within a moment is one line that counts. */
class Group {
  constructor(entry) {
    this.entry = entry;
    this.count = 0;
    this.slowest = 0;
    const item = element('entry').content.cloneNode(true).firstElementChild;
    this.part = (name) => item.querySelector(`[data-part=${name}]`);
    item.dataset.kind = entry.kind;
    this.part('time').textContent = clock.format(entry.time);
    this.part('time').dateTime = new Date(entry.time).toISOString();
    this.part('text').textContent = entry.text;
    showProcess(this.part('process'), entry.process);
    this.part('process').title = `pid ${entry.pid}`;
    this.item = item;
    this.add(entry);
  }

  takes(entry) {
    const { process, text, time } = this.entry;
    return process === entry.process && text === entry.text && Math.abs(entry.time - time) < SAME_MS;
  }

  add({ ms }) {
    this.count += 1;
    this.slowest = Math.max(this.slowest, ms ?? 0);
    const several = this.count > 1;
    if (ms !== undefined) this.part('ms').textContent = `${several ? 'up to ' : ''}${this.slowest.toFixed(0)} ms`;
    this.part('count').textContent = `${this.count} times`;
    this.part('count').hidden = !several;
  }
}

function show(entry) {
  const group = groups.find((candidate) => candidate.takes(entry));
  if (group) return group.add(entry);
  const added = new Group(entry);
  groups.unshift(added);
  element('timeline').prepend(added.item);
  element('timeline-empty').hidden = true;
  if (groups.length > MOST_SHOWN) groups.pop().item.remove();
}

function receive(entry) {
  // After a pause the server repeats what it remembers.
  if (known.has(entry.id)) return;
  known.add(entry.id);
  show(entry);
  if (entry.kind === 'refresh') refreshes += 1;
  if (refreshes > 0) token.say(refreshes === 1 ? 'refreshed once' : `refreshed ${refreshes} times`);
  for (const listener of listeners) listener(entry);
}

function connect() {
  if (source || hasEnded() || document.hidden) return;
  source = new EventSource('/api/timeline');
  source.addEventListener('open', () => (element('live').hidden = false));
  source.addEventListener('message', ({ data }) => receive(JSON.parse(data)));
  source.addEventListener('ended', () => {
    disconnect();
    endSession();
  });
  source.addEventListener('error', reconnect);
}

/** A page that nobody looks at holds no connection: a browser has but six for all tabs of a site. */
function disconnect() {
  source?.close();
  source = undefined;
  const live = element('live');
  if (live) live.hidden = true;
}

/** An event source that gets an answer other than 200 gives up, and does not say why. */
async function reconnect() {
  disconnect();
  const response = await fetch('/auth/me', { cache: 'no-store' }).catch(() => undefined);
  if (response?.status === 401) endSession();
  else setTimeout(connect, RETRY_MS);
}

document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()));
connect();
