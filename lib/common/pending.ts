/**
 * Whether it has to be waited for. Goes by what it can do, not by its class: an `async` function's promise is no instance of
 * a `Promise` that something has put in the place of the global one.
 */
export function isPending<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
