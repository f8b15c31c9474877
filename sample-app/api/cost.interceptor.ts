import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SessionService } from 'nest-oidc';
import { concatMap, type Observable } from 'rxjs';
import { arrivalOf } from '../http/arrival.js';
import { PROCESS_NAME } from '../process-name.js';

/**
 * Tells the dashboard what a request cost (`Server-Timing`: `auth` is the way to the handler, session, tokens and all;
 * `app` is the handler), which process has served it, and how long token and session live on. Seconds, and never the
 * token itself.
 */
@Injectable()
export class CostInterceptor implements NestInterceptor {
  constructor(private readonly sessions: SessionService) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const startedAt = performance.now();
    const auth = startedAt - arrivalOf(response);
    return next.handle().pipe(
      concatMap(async (body: unknown) => {
        const app = performance.now() - startedAt;
        response.setHeader('Server-Timing', `auth;dur=${auth.toFixed(2)}, app;dur=${app.toFixed(2)}`);
        response.setHeader('Served-By', PROCESS_NAME);
        await this.addLifetimes(request, response);
        return body;
      }),
    );
  }

  private async addLifetimes(request: Request, response: Response): Promise<void> {
    const session = await this.sessions.find(request);
    if (!session) return;
    const { accessTokenExpiresAt, expiresAt } = session;
    if (accessTokenExpiresAt !== undefined) response.setHeader('Token-Expires-In', secondsUntil(accessTokenExpiresAt));
    response.setHeader('Session-Expires-In', secondsUntil(expiresAt));
  }
}

function secondsUntil(time: number): string {
  return ((time - Date.now()) / 1000).toFixed(1);
}
