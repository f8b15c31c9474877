// Anything a browser could read as the start of a host, and control characters, which some clients drop silently.
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f\\]/u;
const MAX_LENGTH = 2048;
const ANY_ORIGIN = 'https://app.invalid';

/**
 * The path as a safe `Location` on our own origin, percent-encoded; `undefined` for anything that could lead elsewhere
 * (RFC 9700 §4.11, OWASP ASVS 3.7.2).
 */
export function localPath(value: unknown): string | undefined {
  if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_LENGTH) return undefined;
  if (!value.startsWith('/') || value.startsWith('//') || UNSAFE.test(value)) return undefined;
  if (!URL.canParse(value, ANY_ORIGIN)) return undefined;
  const url = new URL(value, ANY_ORIGIN);
  // `/.//evil` and `/x/..//evil` only become `//evil` when the dots are resolved.
  if (url.origin !== ANY_ORIGIN || url.username || url.password || url.pathname.startsWith('//')) return undefined;
  const path = url.pathname + url.search + url.hash;
  // Percent-encoding makes it longer, and the answer must stand when it is asked about again.
  return path.length > MAX_LENGTH ? undefined : path;
}
