import { Controller, Get } from '@nestjs/common';
import { Public } from 'nest-oidc';
import { HealthService, type Health } from './health.service.js';

@Controller('health')
@Public()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** 200 while the process serves: restarting it would not bring a provider or a store back. */
  @Get()
  check(): Promise<Health> {
    return this.health.check();
  }
}
