import type { OidcOptions } from 'nest-oidc';
import type { Settings } from './settings.js';

/** The app's settings in the words of nest-oidc. What is not set is left to the library. */
export function oidcOptions({ client, baseUrl, secrets, ...settings }: Settings): OidcOptions {
  return {
    issuer: client.issuer,
    clientId: client.clientId,
    clientSecret: client.clientSecret,
    baseUrl,
    secret: secrets,
    // The library accepts plain http on a loopback address only, and never in production.
    allowInsecure: [client.issuer, baseUrl].some((url) => url.startsWith('http:')),
    login: { scope: settings.scope },
    refresh: { leeway: settings.refreshLeeway },
    session: { store: settings.sessionStore, idleTimeout: settings.sessionIdleTimeout, recordDevice: true },
  };
}
