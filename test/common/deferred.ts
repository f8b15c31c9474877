export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** A promise that a test settles when it wants to. `Promise.withResolvers` is not in Node 20. */
export function deferred<T = void>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] | undefined;
  let reject: Deferred<T>['reject'] | undefined;
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
  if (!resolve || !reject) throw new TypeError('A promise runs its executor at once.');
  return { promise, resolve, reject };
}
