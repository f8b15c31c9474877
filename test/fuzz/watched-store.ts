import type { SessionStore } from 'nest-oidc';

type StoreMethod = (...args: never[]) => unknown;

/** A store that counts what it is asked, and fails when it is told to. */
export class StoreWatch {
  isDown = false;
  readonly counts = new Map<string, number>();
  readonly store: SessionStore;

  constructor(readonly inner: SessionStore) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? this.watched(target, String(name), member as StoreMethod) : member;
      },
    });
  }

  count(method: string): number {
    return this.counts.get(method) ?? 0;
  }

  private watched(target: SessionStore, name: string, method: StoreMethod) {
    return (...args: never[]): unknown => {
      if (this.isDown && name !== 'close') return Promise.reject(new Error('The store is away.'));
      this.counts.set(name, this.count(name) + 1);
      return method.apply(target, args);
    };
  }
}

/** How many things an object holds in maps and sets, its own and those of its parts: the growth of a memory store. */
export function entriesIn(value: unknown, seen = new Set<unknown>()): number {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return 0;
  seen.add(value);
  const isCollection = value instanceof Map || value instanceof Set;
  const parts: unknown[] = isCollection ? [...value.values()] : Object.values(value);
  return parts.reduce<number>((sum, part) => sum + entriesIn(part, seen), isCollection ? value.size : 0);
}
