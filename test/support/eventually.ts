import { setTimeout as pause } from 'node:timers/promises';

/** Asks again until `check` no longer throws. For what happens beside a request: nobody is told when it is done. */
export async function eventually<T>(check: () => T | Promise<T>, attempts = 400): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await check();
    } catch (error) {
      if (attempt >= attempts) throw error;
      await pause(10);
    }
  }
}
