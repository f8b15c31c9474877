import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { OidcEvent } from 'nest-oidc';
import { concat, filter, from, map, Observable, Subject } from 'rxjs';
import { PROCESS_NAME } from '../process-name.js';
import { SETTINGS, type Settings } from '../settings.js';
import { wordingOf, type Wording } from './wording.js';

/** Something that happened, as the browser gets to see it. No token, nobody's name. */
export interface Entry extends Wording {
  /** Unique among all processes. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly process: string;
  readonly pid: number;
}

/** With the hash of the session that it happened to; `undefined`: it concerns everybody. */
interface Told {
  readonly session: string | undefined;
  readonly entry: Entry;
}

/** What is kept for pages that are opened later, of all sessions together. */
const MOST_REMEMBERED = 500;

/** What all processes of the app have been doing lately, told while it happens. */
@Injectable()
export class Timeline implements OnModuleDestroy {
  private readonly news = new Subject<Told>();
  private readonly recent: Told[] = [];
  private count = 0;

  constructor(@Inject(SETTINGS) private readonly settings: Settings) {
    settings.broadcast.listen((text) => this.remember(JSON.parse(text) as Told));
  }

  /** For the library's `onEvent`. */
  readonly onEvent = (event: OidcEvent): void => {
    const wording = wordingOf(event);
    if (wording) this.tell('session' in event ? event.session : undefined, wording);
  };

  tell(session: string | undefined, wording: Wording): void {
    this.count += 1;
    const { pid } = process;
    const entry: Entry = { id: `${pid}-${this.count}`, time: Date.now(), process: PROCESS_NAME, pid, ...wording };
    this.settings.broadcast.tell(JSON.stringify({ session, entry } satisfies Told));
  }

  /** What happened lately to this session or to everybody, and what happens from now on, until the app closes. */
  of(session: string): Observable<Entry> {
    return new Observable<Told>((subscriber) => {
      const missed = [...this.recent];
      return concat(from(missed), this.news).subscribe(subscriber);
    }).pipe(
      filter((told) => told.session === undefined || told.session === session),
      map(({ entry }) => entry),
    );
  }

  /** Streams end, so that the server can. */
  onModuleDestroy(): void {
    this.news.complete();
  }

  private remember(told: Told): void {
    this.recent.push(told);
    if (this.recent.length > MOST_REMEMBERED) this.recent.shift();
    this.news.next(told);
  }
}
