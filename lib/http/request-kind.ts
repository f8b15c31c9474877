import type { PlatformRequest } from './platform.js';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A browser that opens a page: it can be redirected to a login. Anything else is told 401. */
export function isNavigation(request: PlatformRequest): boolean {
  return request.method === 'GET' && wantsHtml(request);
}

/** A top-level navigation, not a prefetch: the only kind of request that may start or end a login. */
export function isTopLevelNavigation({ method, headers }: PlatformRequest): boolean {
  const destination = headers['sec-fetch-dest'];
  const purpose = `${headers['sec-purpose'] ?? ''} ${headers['purpose'] ?? ''} ${headers['x-moz'] ?? ''}`;
  return method === 'GET' && (destination === undefined || destination === 'document') && !/prefetch/iu.test(purpose);
}

/** Whether an answer for people is wanted, whatever the method. A script gets JSON, whatever it accepts. */
export function wantsHtml({ headers }: PlatformRequest): boolean {
  const mode = headers['sec-fetch-mode'];
  return mode === undefined ? acceptsHtml(headers.accept) : mode === 'navigate';
}

/** Whether the caller is a script that reads JSON and does not follow redirects to another site. */
export function wantsJson({ headers }: PlatformRequest): boolean {
  return accepts(headers.accept, 'application/json') && !acceptsHtml(headers.accept);
}

/** Whether the method changes state (RFC 9110 §9.2.1). */
export function changesState({ method }: PlatformRequest): boolean {
  return !SAFE_METHODS.has(method);
}

function acceptsHtml(accept: string | undefined): boolean {
  return accepts(accept, 'text/html');
}

/** Media types are case-insensitive (RFC 9110 §8.3.1). */
function accepts(accept: string | undefined, type: string): boolean {
  return accept?.toLowerCase().includes(type) === true;
}
