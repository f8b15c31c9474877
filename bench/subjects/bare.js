import { controllerOf, createApp } from './platform.js';
import { SUB } from './session.js';

/** Nest and nothing else: what every request costs anyway. */
export async function bare(platform) {
  return {
    app: await createApp(
      platform,
      controllerOf(() => ({ sub: SUB })),
    ),
    isOpen: true,
  };
}
