import { describe, expect, it } from '@jest/globals';
import { EventLog } from '../../lib/common/events.js';
import { AuthService } from '../../lib/http/auth.service.js';
import type { Cookies } from '../../lib/http/cookies.js';
import type { OriginCheck } from '../../lib/http/origin-check.js';
import type { Platform, PlatformRequest, PlatformResponse } from '../../lib/http/platform.js';
import type { Responder } from '../../lib/http/responder.js';
import type { CallbackService } from '../../lib/login/callback.service.js';
import type { LoginService } from '../../lib/login/login.service.js';
import type { LogoutService } from '../../lib/logout/logout.service.js';
import type { ProviderLogoutService } from '../../lib/logout/provider-logout.service.js';
import type { PublicUrls } from '../../lib/options/public-urls.js';
import type { SessionService } from '../../lib/session/session.service.js';
import { resolve } from '../options/valid-options.js';

const DEFECT = new TypeError('a defect');
const REQUEST = {
  method: 'GET',
  headers: {},
  body: { logout_token: 'a-logout-token' },
} as unknown as PlatformRequest;
const RESPONSE = {} as PlatformResponse;

/** Where everything below fails by a defect. Whatever is sent, or told of a login, is written down. */
function defective() {
  const told: string[] = [];
  const note = (what: string) => (): void => void told.push(what);
  const platform = { queryOf: () => new URLSearchParams(), isForm: () => true, deviceOf: () => ({}) };
  const returnTo = (): void => undefined;
  const responder = { redirect: note('redirect'), empty: note('empty'), errorToProvider: note('error'), returnTo };
  const cookies = { pendingOf: () => undefined, clearPending: note('clearPending'), setSession: note('setSession') };
  const callbacks = { check: () => ({}), complete: () => Promise.reject(DEFECT) };
  const service = new AuthService(
    resolve({}),
    platform as unknown as Platform,
    responder as unknown as Responder,
    cookies as unknown as Cookies,
    {} as LoginService,
    callbacks as unknown as CallbackService,
    {} as LogoutService,
    { backChannel: () => Promise.reject(DEFECT) } as unknown as ProviderLogoutService,
    {} as PublicUrls,
    {} as SessionService,
    {} as OriginCheck,
    new EventLog(({ name }) => void told.push(name)),
  );
  return { service, told };
}

describe('AuthService', () => {
  it.each(['callback', 'backChannelLogout'] as const)(
    'leaves a defect in %s to the application, and tells nobody another reason',
    async (route) => {
      const { service, told } = defective();
      await expect(service[route](REQUEST, RESPONSE)).rejects.toBe(DEFECT);
      expect(told).toEqual([]);
    },
  );
});
