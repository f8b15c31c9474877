/**
 * What a store keeps for one session: bytes it cannot read, and the numbers beside them.
 *
 * `data` is sealed by the library (AES-256-GCM); a store never interprets it.
 */
export interface StoredSession {
  readonly data: Uint8Array;
  /** 1 at login, one higher after every refresh: a positive integer. The fence of every conditional write. */
  readonly generation: number;
  /** When the session ends unless it is touched. Epoch milliseconds, a positive integer; that moment is not part of it. */
  readonly expiresAt: number;
  /** When the session was last used, as of the last write or touch. Epoch milliseconds, a positive integer. */
  readonly lastSeenAt: number;
}

/** What a store has under a key. */
export type FoundSession = StoredSession | undefined;

/** Answer of {@link SessionStore.lock}: whether the lock is ours now, and the session as it is under it. */
export interface LockResult {
  readonly acquired: boolean;
  /** `undefined` when the session does not exist (any more). No lock is taken then, and none is left behind. */
  readonly session: StoredSession | undefined;
  /** Who holds the lock, when somebody else does. */
  readonly holder?: string;
}

/** Who gets a lock that its owner gives up, and for how long. */
export interface LockSuccessor {
  readonly owner: string;
  readonly leaseMs: number;
}

/**
 * `written`: done. `moved`: another generation is there, nothing was written. `gone`: the session does not exist,
 * nothing was written.
 */
export type ReplaceResult = 'written' | 'moved' | 'gone';

/**
 * Where sessions live. Implement it to keep them anywhere; `sessionStoreContract` of `nest-oidc/testing` tells whether
 * an implementation is right.
 *
 * - Keys are 43 characters of base64url: hashes. Two keys never influence each other. Sessions, locks, marks and sets
 *   are separate spaces: the same key in one is unknown in another.
 * - Each method is atomic. Where a backend cannot promise that across processes, its documentation says so.
 * - Only `create` brings a session into being; every other write is conditional on it being there.
 * - A session past its `expiresAt` does not exist, whether or not it was removed yet.
 * - Trouble is a rejected promise, never `undefined` or `false`. It must be told within seconds: answer or reject.
 *   A write that was rejected may still have happened.
 */
export interface SessionStore {
  /**
   * The session, or `undefined`; without a promise where it is at hand, so that its request goes on at once. What is
   * answered without one may be the same object each time, until its `data` changes, which makes another generation of it.
   * A promise may serve several requests of the session: those that came in together.
   */
  get(key: string): FoundSession | Promise<FoundSession>;

  /** Writes a new session. The key has never been used before. */
  create(key: string, session: StoredSession): Promise<void>;

  /**
   * Replaces the session if its generation is `expectedGeneration`, and in the same step releases the lock if
   * `owner` still holds it. A lost lock does not prevent the write: the generation is the fence, not the lock. Where
   * nothing was written the lock stays as it was.
   */
  replace(key: string, session: StoredSession, expectedGeneration: number, owner: string): Promise<ReplaceResult>;

  /**
   * Moves the two times of an existing session and nothing else. `false` when there is none. It may come late, after a
   * `replace` that has given the session more time: an `expiresAt` earlier than that of the session changes nothing, and
   * `lastSeenAt` is written all the same.
   */
  touch(key: string, expiresAt: number, lastSeenAt: number): Promise<boolean>;

  /**
   * Removes the session and its lock; with `generation`, only if that is its generation. `true` if this call removed it.
   */
  delete(key: string, generation?: number): Promise<boolean>;

  /**
   * Takes the session's refresh lock for `owner` unless another owner holds it, and reads the session in the same step,
   * past every cache. The lock ends by itself after `leaseMs`. Taking it again as its owner starts the lease anew.
   */
  lock(key: string, owner: string, leaseMs: number): Promise<LockResult>;

  /** Releases the lock if `owner` holds it, or hands it to `successor` in the same step. Otherwise does nothing. */
  unlock(key: string, owner: string, successor?: LockSuccessor): Promise<void>;

  /** Marks a key as used until `expiresAt`. `true` for the first caller, `false` for every other. */
  markUsed(key: string, expiresAt: number): Promise<boolean>;

  /**
   * Adds a member (1 to 128 characters of ASCII) to a set, until `expiresAt`; a member that is there already ends then
   * instead. Sets are small: the sessions of one user, of one login at the provider, the logouts that it told of.
   */
  addMember(key: string, member: string, expiresAt: number): Promise<void>;

  /** The members of a set that have not ended, in any order. None of a set that nobody has added to. */
  members(key: string): Promise<readonly string[]>;

  /** Removes a member from a set. Does nothing when it is not there. */
  removeMember(key: string, member: string): Promise<void>;

  /**
   * Tells of every session that `delete` removes from now on, on any process, soon after; answers how to stop. For what
   * lives longer than a request, such as a socket. A message may get lost, so nobody relies on it alone; without this
   * method the library asks once a second for each session that is watched.
   */
  onDelete?(listener: (key: string) => void): Promise<() => void>;

  /** Called once at shutdown, after the last write. */
  close?(): Promise<void>;
}

/** Injection token of the {@link SessionStore} in use. */
export const SESSION_STORE = Symbol('nest-oidc:session-store');
