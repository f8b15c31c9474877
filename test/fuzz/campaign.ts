import { MemorySessionStore, type OidcEvent, type SessionStore } from 'nest-oidc';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Browser } from '../support/browser.js';
import { logoutToken } from '../support/logout-token.js';
import {
  ScriptedProvider,
  startAppAt,
  type Answer,
  type IdTokenParts,
  type NoAnswer,
} from '../support/scripted-provider.js';
import type { PlatformName, TestApp } from '../support/test-app.js';
import { Chance } from './chance.js';
import type { HostileRequest } from './draft.js';
import { RETURN_TOS } from './hostile-values.js';
import { HostileRequests } from './hostile-requests.js';
import { Judge, sessionTokenIn } from './judge.js';
import { Loot, type LootedLogin, type LootedSession } from './loot.js';
import { sendAlone, shout, Wire, type WireAnswer } from './wire.js';
import { StoreWatch } from './watched-store.js';

const CONNECTIONS = 24;
const PER_ROUND = 450;
const LOGINS_PER_ROUND = 6;
/** A request that the judge found wrong is shown up to here. */
const SHOWN = 1500;
const LONG_RUN = /(.{1,8}?)\1{20,}/gu;

export interface CampaignOptions {
  readonly platform: PlatformName;
  readonly seed: number;
  /** @default a memory store */
  readonly store?: () => SessionStore;
}

/** A wrong answer, and how to get it again. */
export interface Finding {
  readonly seed: number;
  readonly round: number;
  readonly wrongs: readonly string[];
  readonly request: string;
  readonly answer: string;
}

/**
 * Hostile requests against a real application. They come in rounds. Each begins with honest logins that are looted, and
 * has a seed of its own: a round that went wrong can be run again alone. Random values of the library differ each time.
 */
export class Campaign {
  readonly findings: Finding[] = [];
  readonly judge: Judge;
  readonly loot = new Loot();
  sent = 0;
  /** Their connection was closed before they were answered: sent once more, alone. */
  unanswered = 0;
  sessionsGiven = 0;
  loginsLooted = 0;
  goodLogoutTokens = 0;
  private readonly wires: readonly Wire[];

  private constructor(
    readonly app: TestApp,
    readonly provider: ScriptedProvider,
    readonly watch: StoreWatch,
    private readonly seed: number,
    private readonly port: number,
    private readonly events: ReadonlyMap<string, number>,
  ) {
    this.judge = new Judge(provider.issuer);
    this.wires = Array.from({ length: CONNECTIONS }, () => new Wire(port));
  }

  static async start({ platform, seed, store = () => new MemorySessionStore() }: CampaignOptions): Promise<Campaign> {
    const provider = await ScriptedProvider.start();
    const watch = new StoreWatch(store());
    const counts = new Map<string, number>();
    const onEvent = (event: OidcEvent): void => {
      const name = event.name === 'session.ended' ? `${event.name} ${event.cause}` : event.name;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    };
    const app = await startAppAt(provider, { platform, options: { onEvent, session: { store: watch.store } } });
    return new Campaign(app, provider, watch, seed, Number(new URL(app.url).port), counts);
  }

  async stop(): Promise<void> {
    for (const wire of this.wires) wire.close();
    await this.app.close();
    await this.provider.stop();
  }

  /** Runs rounds until so many requests were sent. `between` runs after each. */
  async run(requests: number, firstRound: number, between: () => void): Promise<void> {
    for (let round = firstRound; this.sent < requests && this.findings.length === 0; round += 1) {
      await this.round(round);
      between();
    }
  }

  /** How often an event was emitted; that of a session's end is named with its cause. */
  eventCount(name: string): number {
    return this.events.get(name) ?? 0;
  }

  /** A user who has nothing to do with all this: from the login to a page that needs it. */
  async honestUser(): Promise<{ readonly status: number; readonly body: string }> {
    this.peace();
    this.provider.sub = 'honest';
    return new Browser().navigate(`${this.app.url}/auth/login?returnTo=/guarded`);
  }

  private async round(round: number): Promise<void> {
    const chance = new Chance(Math.imul(this.seed, 1_000_003) + round);
    this.peace();
    this.provider.sub = `user-${round}`;
    await this.makeLoot(chance);
    this.trouble(chance);
    const hostile = new HostileRequests(chance, this.loot, this.app.url, this.provider.issuer);
    const requests = Array.from({ length: PER_ROUND }, () => hostile.next());
    await this.sendAll(chance.shuffled([...requests, ...repeated(chance, requests)]), round);
  }

  /** Logins as far as the browser's way back, some to the end. */
  private async makeLoot(chance: Chance): Promise<void> {
    const logins = await Promise.all(
      Array.from({ length: LOGINS_PER_ROUND }, () => this.beginLogin(chance.pick(RETURN_TOS))),
    );
    this.loot.logins.push(...logins);
    await this.finishLogin(chance.pick(logins));
    this.loot.logoutTokens.push(...this.newLogoutTokens(chance));
    for (const session of this.loot.trim()) await this.logOut(session);
  }

  private async beginLogin(returnTo: string): Promise<LootedLogin> {
    this.loginsLooted += 1;
    const browser = new Browser();
    const answer = await browser.open(`${this.app.url}/auth/login?${new URLSearchParams({ returnTo })}`);
    const request = new URL(answer.location ?? '').searchParams;
    const code = crypto.randomUUID();
    this.provider.codes.set(code, request);
    const [cookie] = browser.cookies;
    if (!cookie) throw new Error('The login has no cookie.');
    return { state: request.get('state') ?? '', code, cookie, used: false };
  }

  private async finishLogin(login: LootedLogin): Promise<void> {
    const browser = new Browser();
    browser.cookies.set(...login.cookie);
    await browser.open(`${this.app.url}/auth/callback?code=${login.code}&state=${login.state}`);
    const token = browser.cookies.get('sid');
    if (token === undefined) throw new Error('An honest login failed.');
    this.keep(token, login);
  }

  private async logOut(session: LootedSession): Promise<void> {
    const browser = new Browser();
    browser.cookies.set('sid', session.token);
    await browser.fetch(`${this.app.url}/auth/logout`, { method: 'POST' });
    session.isLoggedOut = true;
  }

  /** Bent in every way, and now and then a good one. */
  private newLogoutTokens(chance: Chance): readonly string[] {
    const claims =
      (bent: Record<string, unknown>) =>
      (parts: IdTokenParts): IdTokenParts => ({ ...parts, claims: { ...parts.claims, ...bent } });
    const bends: readonly ((parts: IdTokenParts) => IdTokenParts)[] = [
      claims({ iss: 'https://evil.example' }),
      claims({ aud: 'other' }),
      claims({ nonce: 'x' }),
      claims({ events: undefined }),
      claims({ exp: 1 }),
      claims({ sub: undefined }),
      claims({ sub: { toString: 'x' } }),
      claims({ jti: undefined }),
      (parts) => ({ ...parts, header: { ...parts.header, alg: 'none' }, signature: () => Buffer.alloc(0) }),
      (parts) => ({ ...parts, header: { ...parts.header, kid: chance.text(8) } }),
      (parts) => ({ ...parts, header: { ...parts.header, typ: 'at+jwt' } }),
      (parts) => ({ ...parts, signature: () => Buffer.alloc(256, 7) }),
    ];
    const forged = logoutToken(this.provider, chance.pick(bends));
    if (!chance.of(0.2)) return [forged];
    this.goodLogoutTokens += 1;
    return [forged, logoutToken(this.provider)];
  }

  private peace(): void {
    this.watch.isDown = false;
    this.provider.requests = [];
    for (const code of this.provider.codes.keys()) {
      if (!this.loot.logins.some((login) => login.code === code)) this.provider.codes.delete(code);
    }
    this.provider.script.answer = () => undefined;
    this.provider.script.tokenResponse = (response) => response;
    // Sessions of other rounds are refreshed as well: nothing is said about whose they are.
    let isRefresh = false;
    this.provider.script.idToken = (parts) => {
      isRefresh = parts.claims['nonce'] === undefined;
      return parts;
    };
    this.provider.script.idTokenText = (idToken) => (isRefresh ? undefined : idToken);
  }

  /** In some rounds the provider answers nonsense or not at all, or the store is away; tokens may expire at once. */
  private trouble(chance: Chance): void {
    const answers: readonly (Answer | NoAnswer)[] = [
      { status: 500 },
      { status: 200, body: 'garbage' },
      { status: 200, body: { error: 'server_error' } },
      { status: 400, body: { error: 'invalid_grant' } },
      'drop',
    ];
    const answer = chance.pick(answers);
    if (chance.of(0.2)) this.provider.script.answer = ({ path }) => (path === '/token' ? answer : undefined);
    if (chance.of(0.2)) this.provider.script.tokenResponse = (response) => ({ ...response, expires_in: 1 });
    this.watch.isDown = chance.of(0.05);
  }

  private async sendAll(requests: readonly HostileRequest[], round: number): Promise<void> {
    const answered: (readonly [HostileRequest, readonly WireAnswer[]])[] = [];
    const kept = requests.filter(({ isLone }) => !isLone);
    const batches = this.wires.map(async (wire, index) => {
      const batch = kept.filter((_, position) => position % CONNECTIONS === index);
      const answers = await wire.send(batch);
      for (const [position, request] of batch.entries()) {
        const answer = answers[position];
        answered.push([request, answer ? [answer] : await this.again(request)]);
      }
    });
    const alone = requests
      .filter(({ isLone }) => isLone)
      .map(async (request) => void answered.push([request, await this.sendOne(request)]));
    await Promise.all([...batches, ...alone]);
    this.sent += requests.length;
    for (const [request, answers] of answered) this.examine(round, request, answers);
    this.bury(answered);
  }

  private async again(request: HostileRequest): Promise<readonly WireAnswer[]> {
    this.unanswered += 1;
    return this.sendOne(request);
  }

  private async sendOne(request: HostileRequest): Promise<readonly WireAnswer[]> {
    if (request.kind === 'malformed') return shout(this.port, request.bytes);
    const answer = await sendAlone(this.port, request);
    return answer ? [answer] : [];
  }

  private examine(round: number, request: HostileRequest, answers: readonly WireAnswer[]): void {
    if (answers.length === 0 && request.kind !== 'malformed') this.report(round, ['is not answered'], request);
    for (const answer of answers) {
      const wrongs = this.judge.wrongsOf(request, answer);
      if (wrongs.length > 0) this.report(round, wrongs, request, answer);
      const token = sessionTokenIn(answer);
      if (token !== undefined && request.login) this.keep(token, request.login);
    }
  }

  private report(round: number, wrongs: readonly string[], request: HostileRequest, answer?: WireAnswer): void {
    const shown = answer && `${answer.status} ${JSON.stringify([...answer.headers])} ${answer.body}`;
    this.findings.push({
      seed: this.seed,
      round,
      wrongs,
      request: request.bytes.toString('latin1').replaceAll(LONG_RUN, '$1…').slice(0, SHOWN),
      answer: (shown ?? 'none').slice(0, SHOWN),
    });
  }

  private keep(token: string, login: LootedLogin): void {
    login.used = true;
    this.sessionsGiven += 1;
    this.loot.sessions.push({ token, sub: this.provider.sub, isLoggedOut: false });
  }

  /** From the next round on. */
  private bury(answered: readonly (readonly [HostileRequest, readonly WireAnswer[]])[]): void {
    for (const [{ ownRoute, session }, answers] of answered) {
      const isDone = answers.some(({ status }) => status === 200 || status === 303);
      if (session && ownRoute === 'logout' && isDone) session.isLoggedOut = true;
    }
  }
}

/** The same again, at the same time: what may happen once must not happen twice. */
function repeated(chance: Chance, requests: readonly HostileRequest[]): readonly HostileRequest[] {
  return requests.filter(({ isLone }) => !isLone && chance.of(0.1));
}

/** Bytes of live objects. */
export function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
