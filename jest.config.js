import { nestMajors } from './test/support/nest-majors.js';

// The library and the tests are ES modules with legacy decorators. Only classes outside lib/ rely on decorator
// metadata: lib/ names every injection token, so that no bundler or compiler setting can break it.
const swc = (decoratorMetadata) => [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata },
      // Helpers for decorators come from @swc/helpers: written into each file, they would count as its branches.
      externalHelpers: true,
      target: 'es2022',
    },
    module: { type: 'es6' },
    sourceMaps: 'inline', // as an object of its own, Jest would lose it and report lines of the compiled file
  },
];

const project = (displayName, testMatch, moduleNameMapper = {}) => ({
  displayName,
  testMatch,
  moduleNameMapper: {
    '^nest-oidc$': '<rootDir>/lib/index.ts',
    '^nest-oidc/redis$': '<rootDir>/lib/store/redis-session-store.ts',
    '^nest-oidc/socket.io$': '<rootDir>/lib/websockets/oidc-io.adapter.ts',
    '^nest-oidc/ws$': '<rootDir>/lib/websockets/oidc-ws.adapter.ts',
    '^nest-oidc/cache-manager$': '<rootDir>/lib/store/cache-manager-session-store.ts',
    '^nest-oidc/swagger$': '<rootDir>/lib/swagger/swagger.ts',
    '^nest-oidc/testing$': '<rootDir>/lib/testing/testing.ts',
    '^nest-oidc/terminus$': '<rootDir>/lib/operations/terminus.ts',
    '^nest-oidc/opentelemetry$': '<rootDir>/lib/operations/opentelemetry.ts',
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'],
    // The one of Express. Mercurius brings another, which Jest cannot load on Node.js 20, and does not use it here.
    '^content-disposition$': '<rootDir>/node_modules/content-disposition',
    ...moduleNameMapper,
  },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '/lib/.+\\.ts$': swc(false), '\\.ts$': swc(true) },
  testEnvironment: 'node',
  testLocationInResults: true, // for the reporter of requirements: the rows of one it.each share a line
  setupFiles: ['<rootDir>/test/support/quiet.js'],
  // After the framework: it fails tests.
  setupFilesAfterEnv: ['<rootDir>/test/support/canary-setup.ts'],
});

// A CommonJS package: before Node 24, Jest lets none of these load Nest 12.
const throttling = 'test/ecosystem/throttling.test.ts';

export default {
  projects: [
    project('nest-12', ['<rootDir>/test/**/*.test.ts', `!**/${throttling}`]),
    project('nest-11', ['<rootDir>/test/{journeys,ecosystem}/**/*.test.ts'], nestMajors[11]),
  ],
  testTimeout: 30_000,
  // The second writes down what became of the tests that carry ids of security requirements: docs/security.md.
  reporters: ['default', './test/requirements/reporter.js'],
  // 'babel' counts every branch of the source, the `else` that is not written included, and nothing in files that are
  // types only. 'v8' counts only what it has run: an unused function is one branch, and a file of types is 0 % covered.
  coverageProvider: 'babel',
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageReporters: [['text', { skipFull: true, maxCols: 120 }], 'text-summary', 'lcovonly'],
  coverageThreshold: { global: { lines: 95, branches: 95 } },
};
