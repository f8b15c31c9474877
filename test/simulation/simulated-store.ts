import { MemorySessionStore } from '../../lib/store/memory-session-store.js';
import type {
  LockResult,
  LockSuccessor,
  ReplaceResult,
  SessionStore,
  StoredSession,
} from '../../lib/store/session-store.js';
import type { SimulatedProcess, World } from './world.js';

const LATENCY_MS = 1;

/** The store's own side: the library's memory store, watched for what must never happen. */
export class WatchedStore extends MemorySessionStore {
  readonly violations: string[] = [];
  private readonly generations = new Map<string, number>();
  private readonly ended = new Set<string>();

  override async create(key: string, session: StoredSession): Promise<void> {
    this.generations.set(key, session.generation);
    return super.create(key, session);
  }

  override async replace(
    key: string,
    session: StoredSession,
    expectedGeneration: number,
    owner: string,
  ): Promise<ReplaceResult> {
    const result = await super.replace(key, session, expectedGeneration, owner);
    if (result !== 'written') return result;
    if (this.ended.has(key)) this.violations.push('a session that had ended was written');
    if (session.generation <= (this.generations.get(key) ?? 0)) this.violations.push('a generation went back');
    this.generations.set(key, session.generation);
    return result;
  }

  override async delete(key: string, generation?: number): Promise<boolean> {
    const deleted = await super.delete(key, generation);
    if (deleted) this.ended.add(key);
    return deleted;
  }
}

/** The generation check of the commit taken out. */
export class StoreWithoutGenerationCheck extends WatchedStore {
  override async replace(key: string, session: StoredSession, expected: number, owner: string): Promise<ReplaceResult> {
    const current = await this.get(key);
    return super.replace(key, session, current?.generation ?? expected, owner);
  }
}

/** The owner check of the lock taken out: whoever wants it gets it, and anybody releases it. */
export class StoreWithoutOwnerCheck extends WatchedStore {
  override lock(key: string, _owner: string, leaseMs: number): Promise<LockResult> {
    return super.lock(key, 'anybody', leaseMs);
  }

  override unlock(key: string, _owner: string, successor?: LockSuccessor): Promise<void> {
    return super.unlock(key, 'anybody', successor);
  }

  override replace(key: string, session: StoredSession, expected: number): Promise<ReplaceResult> {
    return super.replace(key, session, expected, 'anybody');
  }
}

/** What a process has in the place of a store: the network, with its latency and its faults. */
export class StoreClient implements SessionStore {
  /** The second read taken out: what was read first is what the lock answers. */
  withoutSecondRead = false;
  private readonly lastRead = new Map<string, StoredSession | undefined>();

  constructor(
    private readonly world: World,
    private readonly process: SimulatedProcess,
    private readonly store: SessionStore,
    private readonly faults: { readonly fails: number; readonly losesAnswer: number },
  ) {}

  async get(key: string): Promise<StoredSession | undefined> {
    const session = await this.ask(async () => this.store.get(key));
    this.lastRead.set(key, session);
    return session;
  }

  create(key: string, session: StoredSession): Promise<void> {
    return this.ask(() => this.store.create(key, session));
  }

  replace(key: string, session: StoredSession, expected: number, owner: string): Promise<ReplaceResult> {
    return this.ask(() => this.store.replace(key, session, expected, owner));
  }

  touch(key: string, expiresAt: number, lastSeenAt: number): Promise<boolean> {
    return this.ask(() => this.store.touch(key, expiresAt, lastSeenAt));
  }

  delete(key: string, generation?: number): Promise<boolean> {
    return this.ask(() => this.store.delete(key, generation));
  }

  async lock(key: string, owner: string, leaseMs: number): Promise<LockResult> {
    const result = await this.ask(() => this.store.lock(key, owner, leaseMs));
    if (this.withoutSecondRead && result.session) return { ...result, session: this.lastRead.get(key) };
    return result;
  }

  unlock(key: string, owner: string, successor?: LockSuccessor): Promise<void> {
    return this.ask(() => this.store.unlock(key, owner, successor));
  }

  markUsed(key: string, expiresAt: number): Promise<boolean> {
    return this.ask(() => this.store.markUsed(key, expiresAt));
  }

  addMember(key: string, member: string, expiresAt: number): Promise<void> {
    return this.ask(() => this.store.addMember(key, member, expiresAt));
  }

  members(key: string): Promise<readonly string[]> {
    return this.ask(() => this.store.members(key));
  }

  removeMember(key: string, member: string): Promise<void> {
    return this.ask(() => this.store.removeMember(key, member));
  }

  private ask<T>(apply: () => Promise<T>): Promise<T> {
    const { fails, losesAnswer } = this.faults;
    const chance = this.world.random();
    const fault = chance < fails ? 'not_sent' : chance < fails + losesAnswer ? 'answer_lost' : 'none';
    return this.process.ask(LATENCY_MS * this.world.between(0.5, 4), fault, apply);
  }
}
