import { OidcConfigurationError } from '../common/errors.js';

/** What is wrong with what a store is made of: written down as its options are read, and said all at once. */
export class StoreProblems {
  private readonly problems: string[] = [];

  /** @param store its class, with which every problem begins */
  constructor(private readonly store: string) {}

  /** Writes the problem down, unless it is none. */
  unless(isRight: boolean, problem: string): void {
    if (!isRight) this.problems.push(`${this.store}: ${problem}`);
  }

  /** The options as they are, once it is known that there are no others; `group` is the option whose own they are. */
  read<T extends object>(options: T, known: readonly (keyof T & string)[], group?: string): Partial<T> {
    const isObject = typeof options === 'object' && options !== null;
    this.unless(isObject, 'the options must be an object.');
    if (!isObject) return {};
    const names = known.join(', ').replace(/, (?=\w+$)/u, ' and ');
    for (const name of Object.keys(options)) {
      const option = group === undefined ? name : `${group}.${name}`;
      this.unless(
        known.some((other) => other === name),
        `${option} is not known: there are ${names}.`,
      );
    }
    return options;
  }

  checkKeyPrefix(keyPrefix: unknown): void {
    this.unless(typeof keyPrefix === 'string', 'keyPrefix must be a string.');
  }

  checkCommandTimeout(commandTimeout: unknown): void {
    const isRight = isFromTo(commandTimeout, 0, 10) && commandTimeout > 0;
    this.unless(isRight, 'commandTimeout must be a number of seconds above 0, up to 10.');
  }

  /** @throws {OidcConfigurationError} with all of them, when there are any */
  throwAll(): void {
    if (this.problems.length > 0) throw new OidcConfigurationError(this.problems);
  }
}

/** Text that looks like a number is none. */
export function isFromTo(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most;
}
