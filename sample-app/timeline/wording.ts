import type { OidcEvent, SessionEndCause } from 'nest-oidc';

/** How an entry looks: what went well, who profited from it, what is none of either, what went wrong. */
export type EntryKind = 'refresh' | 'shared' | 'request' | 'session' | 'trouble';

export interface Wording {
  readonly kind: EntryKind;
  readonly text: string;
  readonly ms?: number;
}

const ENDED: Readonly<Record<SessionEndCause, string>> = {
  logout: 'You logged out',
  back_channel_logout: 'The provider told that you logged out there',
  front_channel_logout: 'The provider told that you logged out there',
  administration: 'This session was logged out from another browser',
  session_limit: 'A newer login took the place of this session',
  replaced_by_login: 'A new login took the place of this session',
  refresh_refused: 'The provider refused to refresh: the session is over',
  subject_changed: 'The provider answered for somebody else: the session is over',
  session_expiry: 'The provider said that this session is over',
  corrupt: 'The session could not be read any more',
};

/** What an event of the library means, for whoever watches. `undefined`: nothing that the dashboard tells. */
export function wordingOf(event: OidcEvent): Wording | undefined {
  switch (event.name) {
    case 'login.succeeded':
      return { kind: 'session', text: 'Logged in' };
    case 'session.ended':
      return { kind: 'session', text: ENDED[event.cause] };
    case 'refresh.succeeded':
      return { kind: 'refresh', text: 'Refreshed the tokens at the provider', ms: event.durationMs };
    case 'refresh.shared':
      return { kind: 'shared', text: 'Shared the refresh under way' };
    case 'refresh.adopted':
      return { kind: 'shared', text: 'Took over what another process had refreshed' };
    case 'refresh.stale_but_valid':
      return { kind: 'trouble', text: 'No refresh for now: went on with a token that is still valid' };
    case 'refresh.transient':
      return { kind: 'trouble', text: 'The provider did not refresh; it will be asked again' };
    case 'refresh.wait_timeout':
      return { kind: 'trouble', text: 'Waited for a refresh in vain' };
    case 'refresh.refused':
      return { kind: 'trouble', text: 'The provider refused the refresh token' };
    case 'provider.unavailable':
      return { kind: 'trouble', text: 'The provider cannot be reached' };
    case 'provider.available':
      return { kind: 'session', text: 'The provider can be reached again' };
    case 'store.unavailable':
      return { kind: 'trouble', text: 'The session store cannot be reached' };
    case 'store.available':
      return { kind: 'session', text: 'The session store can be reached again' };
    default:
      return undefined;
  }
}
