import {
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Counter,
  type Histogram,
  type MeterProvider,
  type Span,
  type TracerProvider,
} from '@opentelemetry/api';
import { systemClock } from '../common/clock.js';
import { OidcError } from '../common/errors.js';
import type { Operation, OperationAttributes, OperationName, Telemetry } from '../common/telemetry.js';

const SCOPE = 'nest-oidc';
const ERROR_TYPE = 'error.type';
/** As the semantic conventions advise for requests, with room for those that wait. Seconds. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const DESCRIPTIONS: Readonly<Record<OperationName, string>> = {
  'login.callback': 'Logins, from the authorization response to the session.',
  refresh: 'Refreshes of a session’s tokens, the wait for other processes included.',
  'provider.request': 'Requests to the OpenID Provider.',
};

export interface OpenTelemetryOptions {
  /** @default the global one */
  readonly tracerProvider?: TracerProvider | undefined;
  /** @default the global one, as it is at the first measurement */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * Metrics and traces for the option `telemetry`, by the OpenTelemetry API: a counter of events, and for logins, refreshes
 * and requests to the provider a span and a histogram of durations. A request that needs none of these has none.
 */
export class OpenTelemetry implements Telemetry {
  private events: Counter | undefined;
  private readonly durations = new Map<OperationName, Histogram>();

  constructor(private readonly options: OpenTelemetryOptions = {}) {}

  count(event: string, reason: string | undefined): void {
    // Not before it is needed: a meter that is asked for before the SDK is there measures nothing, ever.
    this.events ??= this.meter.createCounter('nest_oidc.events', {
      description: 'Events of the library.',
      unit: '{event}',
    });
    this.events.add(1, {
      'nest_oidc.event.name': event,
      ...(reason === undefined ? {} : { 'nest_oidc.event.reason': reason }),
    });
  }

  measure<T>(
    name: OperationName,
    attributes: OperationAttributes,
    work: (operation: Operation) => Promise<T>,
  ): Promise<T> {
    const kind = name === 'provider.request' ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const tracer = (this.options.tracerProvider ?? trace).getTracer(SCOPE);
    return tracer.startActiveSpan(`nest_oidc.${name}`, { kind, attributes }, (span) =>
      this.run(name, span, { ...attributes }, work),
    );
  }

  private async run<T>(
    name: OperationName,
    span: Span,
    known: Record<string, string | number>,
    work: (operation: Operation) => Promise<T>,
  ): Promise<T> {
    const startedAt = systemClock.now();
    try {
      return await work({ describe: (more) => void Object.assign(known, more) });
    } catch (error) {
      // Its code alone: messages, stacks and causes are for the log of whoever catches it.
      known[ERROR_TYPE] = typeOf(error);
      throw error;
    } finally {
      span.setAttributes(known);
      if (known[ERROR_TYPE] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      this.durationOf(name).record((systemClock.now() - startedAt) / 1000, known);
    }
  }

  private durationOf(name: OperationName): Histogram {
    const existing = this.durations.get(name);
    if (existing) return existing;
    const histogram = this.meter.createHistogram(`nest_oidc.${name}.duration`, {
      description: DESCRIPTIONS[name],
      unit: 's',
      advice: { explicitBucketBoundaries: BOUNDARIES },
    });
    this.durations.set(name, histogram);
    return histogram;
  }

  private get meter(): ReturnType<MeterProvider['getMeter']> {
    return (this.options.meterProvider ?? metrics).getMeter(SCOPE);
  }
}

function typeOf(error: unknown): string {
  if (error instanceof OidcError) return error.detail ?? error.code;
  return error instanceof Error ? error.name : 'unknown';
}
