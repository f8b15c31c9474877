import { ApplicationConfig } from '@nestjs/core';
import { PublicUrls } from '../options/public-urls.js';
import { AppChecks } from './app-checks.js';
import type { DoctorArguments } from './arguments.js';
import { checkEnvironment } from './environment-checks.js';
import type { Findings } from './findings.js';
import { ProviderChecks } from './provider-checks.js';
import { checkRedis } from './redis-checks.js';

/** Looks at everything that can be seen from outside, and goes on after a fault wherever that makes sense. */
export async function examine(
  { environment, routes, redisUrl, asksApp }: DoctorArguments,
  findings: Findings,
): Promise<void> {
  const options = checkEnvironment(environment, routes, findings);
  if (options) {
    const urls = new PublicUrls(options, new ApplicationConfig());
    const { redirectUri } = urls;
    const metadata = await new ProviderChecks(options, redirectUri, findings).run();
    if (asksApp) {
      const login = new URL(options.base.origin + urls.pathOf('login'));
      const app = new AppChecks(options, { login, redirectUri: new URL(redirectUri) }, findings);
      await app.run(metadata?.authorization_endpoint);
    }
  }
  if (redisUrl) await checkRedis(redisUrl, findings);
}
