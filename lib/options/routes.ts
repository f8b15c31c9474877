import type { AuthRoutes } from './oidc-options.js';
import type { ResolvedRoutes } from './resolved-options.js';

const DEFAULT_ROUTES: ResolvedRoutes = {
  login: '/auth/login',
  callback: '/auth/callback',
  logout: '/auth/logout',
  me: '/auth/me',
  backChannelLogout: '/auth/backchannel-logout',
  frontChannelLogout: false,
  postLogout: false,
};

/** Fills in the defaults. Nest needs the paths before any factory runs, so they are checked later, with the options. */
export function resolveRoutes(routes: AuthRoutes = {}): ResolvedRoutes {
  const given = Object.fromEntries(Object.entries(routes).filter(([, path]) => path !== undefined));
  return Object.freeze({ ...DEFAULT_ROUTES, ...given });
}

export const ROUTE_NAMES = Object.keys(DEFAULT_ROUTES) as readonly (keyof ResolvedRoutes)[];
