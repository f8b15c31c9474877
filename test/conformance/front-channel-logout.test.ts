// The modules of the OpenID Foundation's conformance suite for relying parties, re-enacted by name: plan
// oidcc-client-front-channel-logout-rp-basic, with -opinitlogout of the comprehensive oidcc-client-logout-test-plan. The
// client is registered with frontchannel_logout_session_required.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserResponse } from '../support/browser.js';
import { LogoutRun } from './logout-run.js';

describe('oidcc-client-front-channel-logout-rp-basic', () => {
  let logout: LogoutRun;

  beforeEach(async () => {
    logout = await LogoutRun.start({ frontChannelLogout: '/auth/frontchannel-logout' });
    logout.tell = () => logout.openFrame();
  });

  afterEach(() => logout.end());

  /** A page that the provider, and nobody else, may show in a frame. */
  function expectFrame(frame: BrowserResponse | undefined): void {
    expect(frame).toMatchObject({ status: 200, setCookies: [] });
    expect(frame?.headers['content-type']).toMatch(/^text\/html/u);
    expect(frame?.headers['cache-control']).toContain('no-store');
    expect(frame?.headers).not.toHaveProperty('x-frame-options');
    expect(frame?.headers['content-security-policy']).toContain(`frame-ancestors ${logout.run.provider.issuer}`);
  }

  it('oidcc-client-test-rp-frontchannel-rpinitlogout: the frame in the provider’s page ends the sessions it names [FCL-01]', async () => {
    await logout.expectLogout();
    expectFrame(logout.answer);
    expect(await logout.run.isLoggedIn(logout.elsewhere)).toBe(false);
  });

  it('oidcc-client-test-rp-frontchannel-opinitlogout: so it does when the logout begins at the provider [FCL-01]', async () => {
    expectFrame(await logout.openFrame());
    expect(await logout.run.isLoggedIn()).toBe(false);
    expect(await logout.run.isLoggedIn(logout.elsewhere)).toBe(false);
    expect(logout.run.provider.count('/end-session')).toBe(0);
  });
});
