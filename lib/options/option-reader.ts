import { URL } from 'node:url';

interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/**
 * Reads one object of options and writes down every problem instead of stopping at the first. Each accessor names its
 * option once, which is also how unknown keys are found.
 */
export class OptionReader {
  private readonly known = new Set<string>();
  private readonly source: Readonly<Record<string, unknown>>;

  constructor(
    source: unknown,
    private readonly problems: string[],
    private readonly path = '',
  ) {
    if (isPlainObject(source)) {
      this.source = source;
    } else {
      this.source = {};
      if (source !== undefined) this.problem('', 'must be an object');
    }
  }

  problem(name: string, text: string): void {
    const option = this.nameOf(name);
    this.problems.push(option ? `${option}: ${text}` : text);
  }

  nested(name: string): OptionReader {
    this.known.add(name);
    return new OptionReader(this.source[name], this.problems, this.nameOf(name));
  }

  /** The value as it is, for the caller to check. */
  raw(name: string): unknown {
    this.known.add(name);
    return this.source[name];
  }

  requiredString(name: string, cure: string): string {
    const value = this.raw(name);
    if (typeof value === 'string' && value.trim() !== '') return value;
    this.problem(name, value === undefined ? `is missing; ${cure}` : `must be a non-empty string; ${cure}`);
    return '';
  }

  string(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    this.problem(name, 'must be a non-empty string');
    return undefined;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.problem(name, 'must be true or false');
    return fallback;
  }

  /** A number of seconds. */
  seconds(name: string, { min, max, fallback }: NumberRange): number {
    return this.optionalSeconds(name, min, max) ?? fallback;
  }

  optionalSeconds(name: string, min: number, max: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
    this.problem(name, `must be a number of seconds from ${min} to ${max}`);
    return undefined;
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) this.problem(name, `must be one of ${choices.join(', ')}`);
    return choice;
  }

  strings(name: string, fallback: readonly string[]): readonly string[] {
    const value = this.raw(name);
    if (value === undefined) return fallback;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) {
      return Object.freeze([...(value as readonly string[])]);
    }
    this.problem(name, 'must be an array of non-empty strings');
    return fallback;
  }

  someOf<T extends string>(name: string, choices: readonly T[]): readonly T[] {
    const values = this.strings(name, []);
    const chosen = choices.filter((choice) => values.includes(choice));
    if (chosen.length < values.length) this.problem(name, `must be an array of ${choices.join(', ')}, each once`);
    return Object.freeze(chosen);
  }

  stringRecord(name: string): Readonly<Record<string, string>> {
    const value = this.raw(name);
    if (value === undefined) return {};
    if (isPlainObject(value) && Object.values(value).every((item) => typeof item === 'string')) {
      return Object.freeze({ ...(value as Readonly<Record<string, string>>) });
    }
    this.problem(name, 'must be an object whose values are strings');
    return {};
  }

  callback<T>(name: string): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'function') return value as T;
    this.problem(name, 'must be a function');
    return undefined;
  }

  url(name: string, cure: string): URL | undefined {
    const text = this.requiredString(name, cure);
    if (text === '') return undefined;
    if (!URL.canParse(text)) {
      this.problem(name, `must be an absolute URL; ${cure}`);
      return undefined;
    }
    const url = new URL(text);
    if (url.username || url.password) this.problem(name, 'must not contain a user name or password');
    if (url.search || text.includes('?')) this.problem(name, 'must not contain a query');
    if (url.hash || text.includes('#')) this.problem(name, 'must not contain a fragment');
    return url;
  }

  /** Refuses every key that no accessor has asked for: a typo must not silently switch a check off. */
  refuseUnknownKeys(): void {
    for (const key of Object.keys(this.source)) {
      if (this.known.has(key)) continue;
      this.problem(key, `is not an option; the options here are ${[...this.known].join(', ')}`);
    }
  }

  private nameOf(name: string): string {
    return [this.path, name].filter(Boolean).join('.');
  }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
