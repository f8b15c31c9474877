import { Module, type DynamicModule } from '@nestjs/common';
import { OidcModule } from 'nest-oidc';
import { ApiController } from './api/api.controller.js';
import { ResourceClient } from './api/resource.client.js';
import { HealthController } from './health/health.controller.js';
import { HealthService } from './health/health.service.js';
import { oidcOptions } from './oidc-options.js';
import { PagesController } from './pages/pages.controller.js';
import { SessionsController } from './pages/sessions.controller.js';
import { ProviderDirectory } from './provider-directory.js';
import { SettingsModule } from './settings.module.js';
import { SETTINGS, type Settings } from './settings.js';
import { TimelineController } from './timeline/timeline.controller.js';
import { TimelineModule } from './timeline/timeline.module.js';
import { Timeline } from './timeline/timeline.js';

@Module({
  imports: [
    TimelineModule,
    OidcModule.forRootAsync({
      imports: [TimelineModule],
      inject: [SETTINGS, Timeline],
      useFactory: (settings: Settings, { onEvent }: Timeline) => ({ ...oidcOptions(settings), onEvent }),
    }),
  ],
  controllers: [PagesController, SessionsController, ApiController, TimelineController, HealthController],
  providers: [ProviderDirectory, ResourceClient, HealthService],
})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    return { module: AppModule, imports: [SettingsModule.with(settings)] };
  }
}
