import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

it('the testing kit works under Vitest, and with inject of Fastify', async () => {
  const vitest = pathOf('../../node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', pathOf('vitest.config.ts'), '--reporter=json'];
  const { stdout } = await promisify(execFile)('node', args, { env: { PATH: process.env['PATH'] } });
  expect(JSON.parse(stdout)).toMatchObject({ success: true, numPassedTests: 1, numTotalTests: 1 });
});
