/** By the names of the OpenTelemetry semantic conventions where there is one. Never a token, a code, or who the user is. */
export type OperationAttributes = Readonly<Record<string, string | number>>;

/** What is measured: work for a user that a plain request does not need. */
export type OperationName = 'login.callback' | 'refresh' | 'provider.request';

/** An operation under way. */
export interface Operation {
  /** Adds what has become known of it. With `error.type` it has failed. */
  describe(attributes: OperationAttributes): void;
}

/** What watches the library at work, for metrics and traces. It must not throw by itself. */
export interface Telemetry {
  /**
   * An event has happened. `reason` is one of few words: its reason, or its cause; or names an error that `mapClaims` has
   * thrown.
   */
  count(event: string, reason: string | undefined): void;
  /** Runs `work`, and settles as it does. */
  measure<T>(
    name: OperationName,
    attributes: OperationAttributes,
    work: (operation: Operation) => Promise<T>,
  ): Promise<T>;
}

/** Injection token of the {@link Telemetry} (the option `telemetry`). */
export const TELEMETRY = Symbol('nest-oidc:telemetry');

const unobserved: Operation = { describe: () => undefined };

export const noTelemetry: Telemetry = Object.freeze<Telemetry>({
  count: () => undefined,
  measure: (_name, _attributes, work) => work(unobserved),
});
