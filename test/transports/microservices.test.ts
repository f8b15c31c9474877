import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards, type INestApplication } from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
  type ClientProxy,
} from '@nestjs/microservices';
import { AuthGuard, CurrentUser, OptionalAuth, Public } from 'nest-oidc';
import { firstValueFrom } from 'rxjs';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { platforms } from '../support/test-app.js';
import { raise, type Stage } from '../support/stage.js';

const heard: string[] = [];

@Controller()
class SumsController {
  @Get('sums')
  sums(@CurrentUser('sub') sub: string): string {
    return sub;
  }

  @MessagePattern('add')
  add(@Payload() numbers: readonly number[]): number {
    heard.push('add');
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  @OptionalAuth()
  @MessagePattern('guess')
  guess(): number {
    heard.push('guess');
    return 42;
  }

  @Public()
  @MessagePattern('count')
  count(@Payload() items: readonly unknown[], @CurrentUser('sub') sub: string | undefined): unknown {
    return { count: items.length, sub: sub ?? null };
  }

  @EventPattern<string>('told')
  told(): void {
    heard.push('told');
  }

  @Public()
  @EventPattern<string>('shouted')
  shouted(): void {
    heard.push('shouted');
  }
}

@UseGuards(AuthGuard)
@Controller()
class GuardedController {
  @MessagePattern('guarded')
  guarded(): string {
    return 'guarded';
  }
}

describe.each(platforms)('a hybrid application with %s and TCP', (platform) => {
  let stage: Stage;
  let client: ClientProxy;

  async function start(inheritAppConfig: boolean): Promise<void> {
    const options = { host: '127.0.0.1', port: await freePort() };
    stage = await raise({
      platform,
      controllers: [SumsController, GuardedController],
      prepare: async (app: INestApplication) => {
        app.connectMicroservice({ transport: Transport.TCP, options }, { inheritAppConfig });
        await app.startAllMicroservices();
      },
    });
    client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  }

  const ask = (pattern: string): Promise<unknown> =>
    firstValueFrom(client.send<unknown>(pattern, [1, 2])).catch((error: unknown) => ({ error }));

  const refused = {
    error: { status: 'error', message: 'context_unsupported', correlationId: expect.any(String) as unknown },
  };

  beforeEach(() => void heard.splice(0));

  afterEach(async () => {
    await client.close();
    await stage.close();
  });

  it('refuses messages whose handler is not public, as an error [NST-02]', async () => {
    await start(true);
    expect(await ask('add')).toEqual(refused);
    expect(await ask('guess')).toEqual(refused);
    expect(await ask('guarded')).toEqual(refused);
    expect(heard).toEqual([]);
    expect(stage.events).toContainEqual(
      expect.objectContaining({ name: 'request.failed', code: 'context_unsupported' }),
    );
  });

  it('refuses events whose handler is not public [NST-02]', async () => {
    await start(true);
    for (const event of ['told', 'shouted']) await firstValueFrom(client.emit(event, {}), { defaultValue: undefined });
    await eventually(() => expect(heard).toEqual(['shouted']));
    expect(stage.events.filter(({ name }) => name === 'request.failed')).toHaveLength(1);
  });

  it('takes messages whose handler is public, and knows no user then', async () => {
    await start(true);
    expect(await ask('count')).toEqual({ count: 2, sub: null });
  });

  it('guards HTTP beside them as ever', async () => {
    await start(true);
    const { headers } = await stage.logIn();
    expect((await new Browser().send(`${stage.url}/sums`, { headers })).body).toBe('alice');
    expect((await new Browser().fetch(`${stage.url}/sums`)).status).toBe(401);
  });

  it('hears of messages only with inheritAppConfig, or where the guard is named: Nest keeps them apart', async () => {
    await start(false);
    expect(await ask('add')).toBe(3);
    expect(await ask('guarded')).toMatchObject({ error: { status: 'error' } });
  });
});
