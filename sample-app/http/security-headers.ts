import type { RequestHandler } from 'express';
import type { Settings } from '../settings.js';

/**
 * For every answer of the app. Scripts and styles come from our own files alone, nothing may frame a page, and nothing
 * that depends on who is logged in stays in a cache: after logout the back button has nothing to show.
 */
export function securityHeaders({ baseUrl, client }: Settings): RequestHandler {
  // Logging out is a form whose answer leads on to the provider: browsers hold `form-action` against that, too.
  const formTargets = ["'self'", new URL(client.issuer).origin].join(' ');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    `form-action ${formTargets}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const headers = {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    ...(baseUrl.startsWith('https:') && { 'Strict-Transport-Security': 'max-age=31536000' }),
  };
  return (_request, response, next) => {
    response.set(headers);
    next();
  };
}
