import { createHash } from 'node:crypto';
import type { AppSettings, FromApp } from './messages.js';

export const settings = JSON.parse(process.env['SETTINGS'] ?? '') as AppSettings;

const machineTime = Date.now.bind(Date);
let offsetMs = settings.clockOffsetMs;

/** The machine's time, whatever the clock of this process says. */
export function now(): number {
  return machineTime();
}

export function setClock(ms: number): void {
  offsetMs = ms;
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

export function tell(message: FromApp): void {
  if (process.connected) process.send?.(message);
}

// The whole process lives at another time than the machine.
Date.now = () => machineTime() + offsetMs;

// Requests to the provider say which process sent them, when, and the hash of the token that is in them.
const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set('x-process', settings.id);
  headers.set('x-sent-at', String(now()));
  const params = new URLSearchParams(init?.body === undefined ? '' : String(init.body));
  const token = params.get('refresh_token') ?? params.get('token');
  if (token === null) return send(input, { ...init, headers });
  headers.set('x-token', hashOf(token));
  let answered = false;
  try {
    const response = await send(input, { ...init, headers });
    answered = true;
    return response;
  } finally {
    tell({ type: 'heard', token: hashOf(token), answered, at: now() });
  }
};
