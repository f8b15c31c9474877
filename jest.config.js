import { nestMajors } from './test/support/nest-majors.js';

// The library and the tests are ES modules with legacy decorators. Only classes outside lib/ rely on decorator
// metadata: lib/ names every injection token, so that no bundler or compiler setting can break it.
const swc = (decoratorMetadata) => [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata },
      target: 'es2022',
    },
    module: { type: 'es6' },
    sourceMaps: true,
  },
];

const project = (displayName, testMatch, moduleNameMapper = {}) => ({
  displayName,
  testMatch,
  moduleNameMapper: {
    '^nest-oidc$': '<rootDir>/lib/index.ts',
    '^nest-oidc/redis$': '<rootDir>/lib/session/stores/redis-session-store.ts',
    '^nest-oidc/cache-manager$': '<rootDir>/lib/session/stores/cache-manager-session-store.ts',
    '^nest-oidc/testing$': '<rootDir>/lib/testing/session-store-contract.ts',
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'],
    ...moduleNameMapper,
  },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '/lib/.+\\.ts$': swc(false), '\\.ts$': swc(true) },
  testEnvironment: 'node',
});

export default {
  projects: [
    project('nest-12', ['<rootDir>/test/**/*.test.ts']),
    project('nest-11', ['<rootDir>/test/journeys/**/*.test.ts'], nestMajors[11]),
  ],
  collectCoverageFrom: ['lib/**/*.ts', '!lib/index.ts'],
  coverageProvider: 'v8',
  testTimeout: 30_000,
};
