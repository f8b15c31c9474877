// The modules of the OpenID Foundation's conformance suite for relying parties, re-enacted by name: plan
// oidcc-client-rp-initiated-logout-rp-basic. The client has a backchannel_logout_uri, as the suite demands one of the two.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LogoutRun } from './logout-run.js';

describe('oidcc-client-rp-initiated-logout-rp-basic', () => {
  let logout: LogoutRun;

  beforeEach(async () => {
    logout = await LogoutRun.start({ postLogout: '/auth/logged-out' });
  });

  afterEach(() => logout.end());

  /** At the registered address, whatever comes back with the browser: no error page, nobody logged in, a safe place. */
  async function expectReturn(): Promise<void> {
    const { app } = logout.run;
    const page = await logout.expectLogout();
    expect(page.url).toBe(`${app.url}/`);
    expect(logout.answer).toMatchObject({ status: 200 });
    expect(logout.run.only('/end-session').params.get('post_logout_redirect_uri')).toBe(`${app.url}/auth/logged-out`);
  }

  it('oidcc-client-test-rp-init-logout: the user logs out here, then at the provider, and comes back [LGO-03]', async () => {
    await expectReturn();
  });

  it('oidcc-client-test-rp-init-logout-other-state: the user comes back with a state that nobody sent [LGO-04]', async () => {
    logout.stateBack = () => 'a-state-of-somebody-else';
    await expectReturn();
  });

  it('oidcc-client-test-rp-init-logout-no-state: the user comes back without state [LGO-04]', async () => {
    logout.stateBack = () => undefined;
    await expectReturn();
  });
});
