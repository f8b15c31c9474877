import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeBlocks } from './readme.js';
import { npmInstall, run, writeJson } from './shell.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TOOLS = ['jest@^30', 'ts-jest@^29', '@swc/core', '@swc/jest', '@types/jest@^30', 'typescript@^5.9'];
const JEST = ['node_modules/jest/bin/jest.js', '--rootDir', 'jest', '--config'];

// As `nest new` writes them for a CommonJS project; the first is all that Node.js 24.9 needs.
const SCAFFOLD = `module.exports = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  testRegex: '.*\\\\.spec\\\\.ts$',
  transform: { '^.+\\\\.(t|j)s$': 'ts-jest' },
  testEnvironment: 'node',
};
`;
const COMPILER_OPTIONS = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  resolvePackageJsonExports: true,
  esModuleInterop: true,
  isolatedModules: true,
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  target: 'ES2023',
  types: ['node', 'jest'],
  sourceMap: true,
  outDir: './dist',
  rootDir: '.',
  skipLibCheck: true,
  strict: true,
  strictPropertyInitialization: false,
};

/** Makes the project with Jest that docs/recipes/commonjs.md describes. */
export async function writeJestProject(directory, major) {
  await npmInstall(directory, [...TOOLS, `@nestjs/testing@^${major}`]);
  const project = join(directory, 'jest');
  await mkdir(join(project, 'src'), { recursive: true });
  await writeJson(join(project, 'package.json'), { private: true });
  await writeJson(join(project, 'tsconfig.json'), { compilerOptions: COMPILER_OPTIONS });
  await writeFile(join(project, 'jest.scaffold.js'), SCAFFOLD);
  const page = join(ROOT, 'docs/recipes/commonjs.md');
  const [config, spec] = await codeBlocks(page, ['jest.config.js', 'orders.spec.ts']);
  await writeFile(join(project, config.name), config.text);
  const [application] = await codeBlocks(join(ROOT, 'README.md'), ['app.module.ts']);
  for (const { name, text } of [spec, application]) await writeFile(join(project, 'src', name), text);
}

/** The configuration of the page works on every Node.js; from 24.9 on that of `nest new` does, with one flag. */
export async function tryJest(directory, node) {
  const tried = [['jest.config.js', []]];
  if (isAtLeast(node.version, 24, 9)) tried.push(['jest.scaffold.js', ['--experimental-vm-modules']]);
  for (const [config, flags] of tried) {
    await run(node.path, [...flags, ...JEST, `jest/${config}`], { cwd: directory });
  }
  return `ts-jest with ${tried.map(([config, flags]) => [config, ...flags].join(' ')).join(', and with ')}`;
}

function isAtLeast(version, major, minor) {
  const [first, second] = version.split('.').map(Number);
  return first > major || (first === major && second >= minor);
}
