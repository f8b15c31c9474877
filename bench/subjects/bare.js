import { controllerOf, createApp } from './platform.js';

/** Nest and nothing else: what every request costs anyway. */
export async function bare(platform) {
  return {
    app: await createApp(
      platform,
      controllerOf(() => ({ sub: '248289761001' })),
    ),
  };
}
