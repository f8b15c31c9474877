import { afterEach, describe, expect, it } from '@jest/globals';
import { Global, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  OidcModule,
  OidcConfigurationError,
  SessionService,
  type OidcOptions,
  type OidcOptionsFactory,
} from 'nest-oidc';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../../lib/options/resolved-options.js';
import { looseOptions, VALID } from './valid-options.js';

const OPTIONS: OidcOptions = {
  ...VALID,
  login: { scope: 'openid email', authorizationParams: { audience: 'api' } },
  refresh: { leeway: 60 },
};
const ROUTES = { login: '/in', me: false } as const;

@Injectable()
class OptionsFactory implements OidcOptionsFactory {
  createOidcOptions(): OidcOptions {
    return OPTIONS;
  }
}

@Injectable()
class AsyncOptionsFactory implements OidcOptionsFactory {
  async createOidcOptions(): Promise<OidcOptions> {
    return OPTIONS;
  }
}

@Injectable()
class Settings {
  readonly leeway = 60;
}

@Module({ providers: [Settings, OptionsFactory], exports: [Settings, OptionsFactory] })
class SettingsModule {}

@Global()
@Module({ providers: [Settings], exports: [Settings] })
class GlobalSettingsModule {}

const registrations: Readonly<Record<string, () => DynamicModule>> = {
  'forRootAsync with useFactory': () => OidcModule.forRootAsync({ useFactory: () => OPTIONS, routes: ROUTES }),
  'forRootAsync with a useFactory that is asynchronous': () =>
    OidcModule.forRootAsync({ useFactory: async () => OPTIONS, routes: ROUTES }),
  'forRootAsync with useFactory, imports and inject': () =>
    OidcModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: (settings: Settings) => ({ ...OPTIONS, refresh: { leeway: settings.leeway } }),
      routes: ROUTES,
    }),
  'forRootAsync with useClass': () => OidcModule.forRootAsync({ useClass: OptionsFactory, routes: ROUTES }),
  'forRootAsync with a useClass that is asynchronous': () =>
    OidcModule.forRootAsync({ useClass: AsyncOptionsFactory, routes: ROUTES }),
  'forRootAsync with useExisting': () =>
    OidcModule.forRootAsync({ imports: [SettingsModule], useExisting: OptionsFactory, routes: ROUTES }),
};

describe('OidcModule', () => {
  const modules: TestingModule[] = [];
  afterEach(async () => {
    for (const module of modules.splice(0)) await module.close();
  });

  async function compile(...imports: DynamicModule['imports'] & {}): Promise<TestingModule> {
    const module = await Test.createTestingModule({ imports }).compile();
    modules.push(module);
    return module;
  }

  async function resolvedBy(...imports: DynamicModule['imports'] & {}): Promise<ResolvedOptions> {
    return (await compile(...imports)).get<ResolvedOptions>(RESOLVED_OPTIONS, { strict: false });
  }

  it.each(Object.entries(registrations))('%s leads to the same options as forRoot', async (_name, registration) => {
    const expected = await resolvedBy(OidcModule.forRoot({ ...OPTIONS, routes: ROUTES }));
    expect(await resolvedBy(registration())).toEqual(expected);
    expect(expected).toMatchObject({ refresh: { leeway: 60 }, routes: { login: '/in', me: false } });
  });

  it.each([
    ['forRoot', () => OidcModule.forRoot(looseOptions({ clientId: undefined }))],
    ['forRootAsync', () => OidcModule.forRootAsync({ useFactory: () => looseOptions({ clientId: undefined }) })],
  ])('%s does not start with options that cannot be used', async (_name, registration) => {
    await expect(compile(registration())).rejects.toThrow(OidcConfigurationError);
  });

  it('refuses extras that come out of a factory, where Nest cannot see them', async () => {
    const useFactory = () => looseOptions({ global: false });
    await expect(compile(OidcModule.forRootAsync({ useFactory }))).rejects.toThrow(
      /global: belongs beside useFactory/u,
    );
  });

  it('is registered once: a second one, alike or not, does not start [CFG-12] [CFG-09]', async () => {
    @Module({ imports: [OidcModule.forRoot(VALID)] })
    class FeatureModule {}
    const other = { ...VALID, issuer: 'https://other.example.com', routes: { callback: '/other/callback' } };
    for (const second of [VALID, other]) {
      await expect(compile(OidcModule.forRoot(second), FeatureModule)).rejects.toThrow(
        /OidcModule is registered 2 times; call forRoot, forRootAsync or forEnv once/u,
      );
    }
  });

  describe('imported as a class, without options', () => {
    const WITHOUT_OPTIONS =
      /OidcModule is imported without options; call forRoot, forRootAsync or forEnv once, in the root/u;

    @Module({ imports: [OidcModule] })
    class FeatureModule {}

    it.each([
      ['alone', () => [OidcModule]],
      ['in a module that comes before the registration', () => [FeatureModule, OidcModule.forRoot(VALID)]],
      ['in a module that comes after it', () => [OidcModule.forRoot(VALID), FeatureModule]],
      ['beside one with a factory', () => [OidcModule.forRootAsync({ useFactory: async () => VALID }), FeatureModule]],
    ])('%s, does not start, and the error says what to call', async (_where, imports) => {
      const refused = compile(...imports());
      await expect(refused).rejects.toThrow(OidcConfigurationError);
      await expect(refused).rejects.toThrow(WITHOUT_OPTIONS);
    });

    it.each([undefined, null])('says the same as forRoot(%p)', (nothing) => {
      const forRoot = () => OidcModule.forRoot(nothing as unknown as OidcOptions);
      expect(forRoot).toThrow(OidcConfigurationError);
      expect(forRoot).toThrow(WITHOUT_OPTIONS);
    });
  });

  it('may be imported in several places when it is one registration [CFG-12]', async () => {
    const oidc = OidcModule.forRoot(VALID);
    @Module({ imports: [oidc] })
    class FeatureModule {}
    await compile(oidc, FeatureModule);
  });

  it('is global unless it is told not to be', async () => {
    expect(OidcModule.forRoot(VALID)).toMatchObject({ global: true });
    expect(OidcModule.forRoot({ ...VALID, global: false })).toMatchObject({ global: false });
    expect(OidcModule.forRootAsync({ useFactory: () => VALID, global: false })).toMatchObject({ global: false });
  });

  it('reaches every module when it is global, and only those that import it when it is not', async () => {
    @Injectable()
    class Feature {
      constructor(readonly sessions: SessionService) {}
    }
    @Module({ providers: [Feature] })
    class FeatureModule {}
    const module = await compile(OidcModule.forRoot(VALID), FeatureModule);
    expect(module.get(Feature, { strict: false }).sessions).toBeInstanceOf(SessionService);
    await expect(compile(OidcModule.forRoot({ ...VALID, global: false }), FeatureModule)).rejects.toThrow(
      /SessionService/u,
    );
  });

  it('is shared, when it is not global, by the registration itself or by a module that exports it', async () => {
    @Injectable()
    class Feature {
      constructor(readonly sessions: SessionService) {}
    }
    const oidc = OidcModule.forRoot({ ...VALID, global: false });
    @Module({ imports: [oidc], providers: [Feature] })
    class OneModule {}
    @Module({ imports: [oidc], exports: [OidcModule] })
    class LoginModule {}
    @Module({ imports: [LoginModule], providers: [Feature] })
    class OtherModule {}
    const module = await compile(oidc, OneModule, OtherModule);
    const features = [OneModule, OtherModule].map((each) => module.select(each).get(Feature));
    expect(features[0]?.sessions).toBeInstanceOf(SessionService);
    expect(features[1]?.sessions).toBe(features[0]?.sessions);
  });

  it('injects what a global module provides without importing it', async () => {
    const oidc = OidcModule.forRootAsync({
      inject: [Settings],
      useFactory: ({ leeway }: Settings) => ({ ...OPTIONS, refresh: { leeway } }),
    });
    expect((await resolvedBy(GlobalSettingsModule, oidc)).refresh.leeway).toBe(60);
  });

  it('changes nothing that it was given', async () => {
    const options = { ...OPTIONS, routes: { ...ROUTES }, global: true };
    const before = structuredClone(options);
    await compile(OidcModule.forRoot(options));
    expect(options).toEqual(before);
    expect(Object.isFrozen(options.routes)).toBe(false);
  });
});
