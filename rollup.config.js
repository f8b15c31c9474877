// Bundles the modules that the compiler leaves in build/ into few files: each file that is loaded costs an application time
// at its start. dist/ keeps the declarations, module by module.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const { bin, exports } = read('package.json');
const { schematics } = read('schematics/collection.json');

const entries = [
  ...Object.values(exports).flatMap((target) => target.default ?? []),
  ...Object.values(bin),
  ...Object.values(schematics).map(({ factory }) => factory.split('#', 1)[0]),
].map((path) => /dist\/(?<name>.+)\.js$/u.exec(path).groups.name);

/** The compiler's helpers for decorators: once, and not as a dependency of applications. */
const helpers = {
  name: 'helpers',
  resolveId: (specifier) =>
    specifier === 'tslib' ? fileURLToPath(import.meta.resolve('tslib/tslib.es6.mjs')) : undefined,
};

export default {
  input: Object.fromEntries(entries.map((name) => [name, `build/${name}.js`])),
  external: (specifier) => /^[\w@]/u.test(specifier) && specifier !== 'tslib',
  plugins: [helpers],
  output: {
    dir: 'dist',
    chunkFileNames: 'chunks/[name].js',
    // What the main entry needs is one file, and the other entries share it: every class is there once.
    manualChunks: { core: ['build/index.js'] },
    hoistTransitiveImports: false, // no entry imports what only another file needs
    minifyInternalExports: false,
  },
};
