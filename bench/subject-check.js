import assert from 'node:assert/strict';
import { SUB } from './subjects/session.js';

const REFUSED = new Set([401, 403, 302, 303, 307]);

/** Without a session it answers 401 or 403, or sends the user away to log in. */
export async function checkRefused(url) {
  const { status } = await fetch(url, { redirect: 'manual' });
  assert.ok(REFUSED.has(status), `${url} answers ${status} without a session.`);
}

/** With one it answers who the user is. */
export async function checkLoggedIn(url, headers) {
  const response = await fetch(url, { headers, redirect: 'manual' });
  assert.equal(response.status, 200, `${url} answers ${response.status} with a session.`);
  assert.deepEqual(await response.json(), { sub: SUB });
}
