import { expect, it } from '@jest/globals';
import { ConsoleLogger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OidcModule, type OidcEvent } from 'nest-oidc';
import { VALID } from './valid-options.js';

async function eventsAtStart(environment: string): Promise<readonly string[]> {
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = environment;
  const events: OidcEvent[] = [];
  try {
    const imports = [OidcModule.forRoot({ ...VALID, onEvent: (event) => void events.push(event) })];
    await Test.createTestingModule({ imports })
      .setLogger(new ConsoleLogger({ logLevels: [] }))
      .compile();
  } finally {
    process.env['NODE_ENV'] = NODE_ENV;
  }
  return events.map(({ name }) => name);
}

it('says once that sessions in memory are not for production [CFG-11]', async () => {
  expect(await eventsAtStart('production')).toEqual(['store.memory_in_production']);
  expect(await eventsAtStart('development')).toEqual([]);
});
