import { sanitize } from '../common/events.js';

/** What a check came to. `note`: nothing is wrong, or nobody can tell from here. */
export type Mark = 'ok' | 'fault' | 'note';

export interface Finding {
  readonly mark: Mark;
  /** What was looked at, in a word or two. */
  readonly subject: string;
  readonly text: string;
  /** What to change. */
  readonly cure: string | undefined;
}

const SIGNS: Readonly<Record<Mark, string>> = { ok: '✓', fault: '✗', note: '!' };

/** What the doctor found, in the order of looking. Told one by one, since some checks take their time. */
export class Findings {
  readonly all: Finding[] = [];

  constructor(private readonly tell: (line: string) => void = () => undefined) {}

  get faults(): readonly Finding[] {
    return this.all.filter(({ mark }) => mark === 'fault');
  }

  ok(subject: string, text: string): void {
    this.add({ mark: 'ok', subject, text, cure: undefined });
  }

  fault(subject: string, text: string, cure: string): void {
    this.add({ mark: 'fault', subject, text, cure });
  }

  note(subject: string, text: string, cure?: string): void {
    this.add({ mark: 'note', subject, text, cure });
  }

  /** Providers and proxies have their say in a text: it stays on its line. */
  private add({ mark, subject, text, cure }: Finding): void {
    const finding = { mark, subject, text: sanitize(text), cure: cure === undefined ? undefined : sanitize(cure) };
    this.all.push(finding);
    this.tell(`${SIGNS[mark]} ${subject}: ${finding.text}`);
    if (finding.cure !== undefined) this.tell(`  → ${finding.cure}`);
  }
}
