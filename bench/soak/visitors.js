// The provider and the people who use the application, in one process: its own memory is not what is measured. Told where the
// application will be, and for how many seconds access tokens are good, it answers with the options for its OidcModule; then it does what its parent says.
import { OidcTestProvider } from 'nest-oidc/testing';
import { Visitor } from './visitor.js';

const USERS = 50;
const PAUSE_MS = 50;

const [baseUrl, accessTokenLifetime] = process.argv.slice(2);
const provider = await OidcTestProvider.start({ accessTokenLifetime: Number(accessTokenLifetime) });
let logins = 0;
let logouts = 0;
let staying = [];
let coming;

const commands = {
  /** So many people log in and stay: the cookies of their sessions. */
  stay: async (count) => {
    for (let visits = 0; visits < count; visits += 1) staying.push(await logIn());
    return staying.map(({ cookie }) => cookie);
  },
  /** Each of them looks at a page. */
  look: async () => {
    for (const visitor of staying) await visitor.look();
  },
  /** They log out. */
  leave: async () => {
    for (const visitor of staying) await logOut(visitor);
    staying = [];
  },
  /** People come, look around and go, one after the other, until they are told to stop. */
  come: () => {
    coming = { stopped: false };
    coming.done = comeAndGo(coming);
  },
  stop: async () => {
    coming.stopped = true;
    await coming.done;
  },
  count: () => ({
    logins,
    logouts,
    refreshes: provider.count('token', { grant_type: 'refresh_token' }),
    reusedRefreshTokens: provider.reusedRefreshTokens,
  }),
};

process.on('message', async ({ command, value }) => process.send({ answer: await commands[command](value) }));
process.on('disconnect', () => process.exit());
process.send({ answer: provider.options({ baseUrl }) });

async function comeAndGo(visit) {
  while (!visit.stopped) {
    const visitor = await logIn();
    await visitor.look();
    await logOut(visitor);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function logIn() {
  logins += 1;
  provider.loginAs({ sub: `user-${logins % USERS}`, name: 'Jane Doe', roles: ['user'] });
  return Visitor.logIn(provider, baseUrl);
}

async function logOut(visitor) {
  logouts += 1;
  await visitor.logOut();
}
