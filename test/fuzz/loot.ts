/** A login under way, as an attacker who can read everything holds it. */
export interface LootedLogin {
  readonly state: string;
  readonly code: string;
  /** Name and value of the cookie that holds it. */
  readonly cookie: readonly [name: string, value: string];
  /** A session came of it: never again. */
  used: boolean;
}

/** A session cookie that was issued. */
export interface LootedSession {
  readonly token: string;
  readonly sub: string;
  /** A logout was answered: no request that is sent from now on may pass. */
  isLoggedOut: boolean;
}

const KEPT = 24;

/** What an attacker has to play with: real values, fresh and used, of this application. */
export class Loot {
  logins: LootedLogin[] = [];
  sessions: LootedSession[] = [];
  /** Logout tokens: forged ones, bent ones, and a few good ones to be replayed. */
  logoutTokens: string[] = [];

  /** What is old makes room. Answers the sessions that nobody will use any more. */
  trim(): readonly LootedSession[] {
    this.logins = this.logins.slice(-KEPT);
    this.logoutTokens = this.logoutTokens.slice(-KEPT);
    const given = this.sessions.slice(0, -KEPT);
    this.sessions = this.sessions.slice(-KEPT);
    return given.filter(({ isLoggedOut }) => !isLoggedOut);
  }

  sessionOf(token: string): LootedSession | undefined {
    return this.sessions.find((session) => session.token === token);
  }
}
