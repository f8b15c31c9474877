import { Injectable } from '@nestjs/common';

/** How often each event has happened in this process since it started, for the metrics of an application. */
@Injectable()
export class OidcCounters {
  private readonly counts = new Map<string, number>();

  /** The counts by the name of the event, e.g. `refresh.succeeded`. An event that has not happened is not there. */
  read(): Readonly<Record<string, number | undefined>> {
    return Object.fromEntries(this.counts);
  }

  /** @internal */
  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
