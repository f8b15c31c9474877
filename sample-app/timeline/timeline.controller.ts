import { Controller, Sse, type MessageEvent } from '@nestjs/common';
import { CurrentSession, SessionWatch, type Session } from 'nest-oidc';
import { interval, map, Observable } from 'rxjs';
import { Timeline } from './timeline.js';

/** Shorter than the patience of usual proxies with a connection on which nothing happens. */
const SIGN_OF_LIFE_MS = 25_000;

/** The end of the session, told to the page, which would connect again otherwise. */
const ENDED: MessageEvent = { type: 'ended', data: '{}' };

@Controller('api/timeline')
export class TimelineController {
  constructor(
    private readonly timeline: Timeline,
    private readonly sessions: SessionWatch,
  ) {}

  /** The guard has looked at the session once; the watch goes on looking for as long as the stream lives. */
  @Sse()
  stream(@CurrentSession() session: Session): Observable<MessageEvent> {
    const entries = this.timeline.of(session.id).pipe(map((entry): MessageEvent => ({ id: entry.id, data: entry })));
    const signsOfLife = interval(SIGN_OF_LIFE_MS).pipe(map((): MessageEvent => ({ comment: 'still here' })));
    return new Observable((stream) => {
      const end = (): void => {
        stream.next(ENDED);
        stream.complete();
      };
      stream.add(this.sessions.watch(session, end));
      stream.add(signsOfLife.subscribe((sign) => stream.next(sign)));
      stream.add(entries.subscribe(stream));
    });
  }
}
