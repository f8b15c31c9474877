import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import { SessionService } from 'nest-oidc';
import { from, mergeMap, tap, type Observable } from 'rxjs';
import { Timeline } from '../timeline/timeline.js';
import type { EntryKind } from '../timeline/wording.js';

/** Puts each request on its user's timeline, with what became of it. */
@Injectable()
export class RequestRecorder implements NestInterceptor {
  constructor(
    private readonly sessions: SessionService,
    private readonly timeline: Timeline,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const startedAt = performance.now();
    // The guard has read it: nothing is read again.
    return from(this.sessions.find(request)).pipe(
      mergeMap((session) => {
        const record = (kind: EntryKind, outcome: string): void => {
          const ms = performance.now() - startedAt;
          if (session)
            this.timeline.tell(session.id, { kind, text: `${outcome} ${request.method} ${request.path}`, ms });
        };
        return next
          .handle()
          .pipe(tap({ next: () => record('request', 'Answered'), error: () => record('trouble', 'Could not answer') }));
      }),
    );
  }
}
