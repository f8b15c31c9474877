/** What a process is told at its start, in the environment variable `SETTINGS`. */
export interface AppSettings {
  readonly id: string;
  readonly port: number;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What it calls itself, whatever its port. @default `http://localhost:<port>` */
  readonly baseUrl?: string | undefined;
  /** The newest first. */
  readonly secrets: readonly string[];
  readonly redisUrl: string;
  /** Seconds: how long a request to the provider may take. */
  readonly providerTimeout: number;
  /** Seconds: how long a refresh keeps the other processes out. `undefined`: as the library has it. */
  readonly lease?: number | undefined;
  /** How far ahead of the machine's this process's clock is. */
  readonly clockOffsetMs: number;
}

/** From the test to a process. Each is answered with `done`. */
export type ToApp = { readonly type: 'clock'; readonly offsetMs: number } | { readonly type: 'go' };

/** From a process to the test. */
export type FromApp =
  | { readonly type: 'ready' }
  | { readonly type: 'done' }
  /** A request of `/slow` has passed the guard and stands still until `go`. */
  | { readonly type: 'slow' }
  /** A session's next generation is in the store. `at` is the machine's time. */
  | { readonly type: 'committed'; readonly session: string; readonly at: number }
  /** What was sent to the provider has an answer, or never will have. `at` is the machine's time. */
  | { readonly type: 'heard'; readonly token: string; readonly answered: boolean; readonly at: number }
  /** How often each event was emitted, since the start. */
  | { readonly type: 'events'; readonly counts: Readonly<Record<string, number>> };

/** What the protected routes answer. */
export interface AppAnswer {
  readonly sub: string;
  /** Hash of the access token. */
  readonly token: string;
}
