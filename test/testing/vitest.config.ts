import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const lib = (path: string): string => fileURLToPath(new URL(`../../lib/${path}`, import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL('recipes', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../../node_modules/.vite', import.meta.url)),
  resolve: {
    alias: [
      { find: /^nest-oidc$/u, replacement: lib('index.ts') },
      { find: /^nest-oidc\/testing$/u, replacement: lib('testing/testing.ts') },
    ],
  },
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: { include: ['*.spec.ts'] },
});
