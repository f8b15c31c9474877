/**
 * Draws Mermaid's sequence diagrams while the site is built, in the site's own colours. GitHub draws them by itself. As
 * much of the language as our pages need: participants, messages, notes, `alt`, `else`, `opt`, `end`. Anything else is an
 * error, so that nothing is left out in silence.
 */
export function sequenceDiagram(source: string): string {
  const { participants, steps } = parse(source);
  const drawing = new Drawing(participants);
  for (const step of steps) drawing.add(step);
  return drawing.toString();
}

interface Message {
  readonly kind: 'message';
  readonly from: number;
  readonly to: number;
  readonly isAnswer: boolean;
  readonly text: string;
}

interface Note {
  readonly kind: 'note';
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

interface Frame {
  readonly kind: 'open' | 'else' | 'close';
  readonly text: string;
}

type Step = Message | Note | Frame;

interface Diagram {
  readonly participants: readonly string[];
  readonly steps: readonly Step[];
}

const MESSAGE = /^(?<from>\w+)(?<arrow>--?>>)(?<to>\w+): (?<text>.+)$/u;
const NOTE = /^Note over (?<from>\w+)(?:,(?<to>\w+))?: (?<text>.+)$/u;
const PARTICIPANT = /^participant (?<id>\w+) as (?<name>.+)$/u;
const FRAME = /^(?<word>alt|opt|else|end)(?: (?<text>.+))?$/u;
/** They end a statement, or begin an entity. */
const SPECIAL = /[;#]/u;

function parse(source: string): Diagram {
  const [first, ...lines] = source.split('\n').map((line) => line.trim());
  if (first !== 'sequenceDiagram') throw new Error(`Only sequence diagrams can be drawn: ${first}`);
  const ids: string[] = [];
  const participants: string[] = [];
  const steps: Step[] = [];
  const column = (id: string): number => {
    if (!ids.includes(id)) throw new Error(`"${id}" is no participant.`);
    return ids.indexOf(id);
  };
  for (const line of lines.filter(Boolean)) {
    if (SPECIAL.test(line)) throw new Error(`Mermaid cannot read ; or # in "${line}".`);
    const participant = PARTICIPANT.exec(line)?.groups;
    if (participant) {
      ids.push(participant['id'] ?? '');
      participants.push(participant['name'] ?? '');
    } else {
      steps.push(stepOf(line, column));
    }
  }
  return { participants, steps };
}

function stepOf(line: string, column: (id: string) => number): Step {
  const found = MESSAGE.exec(line) ?? NOTE.exec(line) ?? FRAME.exec(line);
  if (!found) throw new Error(`This part of a sequence diagram is not known here: ${line}`);
  const { from, to = from, text = '', arrow, word } = found.groups ?? {};
  if (word === 'end') return { kind: 'close', text };
  if (word === 'else') return { kind: 'else', text };
  if (from === undefined || to === undefined) return { kind: 'open', text };
  if (arrow === undefined) return { kind: 'note', from: column(from), to: column(to), text };
  return { kind: 'message', from: column(from), to: column(to), isAnswer: arrow === '-->>', text };
}

const LINE = 17;
/** Width of a character of the labels, about. */
const CHARACTER = 6.7;
const PAD = 8;
const HEAD = 30;
const COLUMN = 172;
const GAP = 18;

/** Draws from the top down; `y` is where the next step begins. */
class Drawing {
  private readonly width: number;
  private readonly frames: { readonly top: number; readonly dividers: number[] }[] = [];
  private readonly background: string[] = [];
  private readonly shapes: string[] = [];
  private y = HEAD + GAP;

  constructor(private readonly participants: readonly string[]) {
    this.width = participants.length * COLUMN;
  }

  add(step: Step): void {
    if (step.kind === 'message') return step.from === step.to ? this.own(step) : this.message(step);
    if (step.kind === 'note') return this.note(step);
    this.frame(step);
  }

  toString(): string {
    const lines = this.participants.map((_name, index) => {
      const x = this.x(index);
      return `<line class="life" x1="${x}" y1="${HEAD}" x2="${x}" y2="${this.y}"/>`;
    });
    const heads = this.participants.map((name, index) => {
      const left = this.x(index) - COLUMN / 2 + PAD;
      const box = `<rect class="head" x="${left}" y="1" width="${COLUMN - 2 * PAD}" height="${HEAD}" rx="6"/>`;
      return box + label([name], this.x(index), HEAD / 2 + 6, 'middle', 'inside');
    });
    const title = escape(`Sequence: ${this.participants.join(', ')}`);
    return [
      `<svg v-pre class="sequence" role="img" aria-label="${title}" viewBox="0 0 ${this.width} ${this.y + PAD}">`,
      '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
      '<path d="M0 0L8 4L0 8z"/></marker></defs>',
      ...this.background,
      ...lines,
      ...heads,
      ...this.shapes,
      '</svg>\n',
    ].join('');
  }

  private x(participant: number): number {
    return COLUMN * (participant + 0.5);
  }

  private message({ from, to, isAnswer, text }: Message): void {
    const lines = wrapped(text, Math.abs(to - from) * COLUMN - 2 * PAD);
    this.shapes.push(label(lines, (this.x(from) + this.x(to)) / 2, this.y + 10));
    this.y += lines.length * LINE;
    const kind = isAnswer ? 'answer' : 'call';
    this.shapes.push(arrowAlong(`M${this.x(from)} ${this.y}H${this.x(to) + (to > from ? -1 : 1)}`, kind));
    this.y += GAP;
  }

  /** A message to oneself: a step that is taken there. */
  private own({ from, text }: Message): void {
    const isLast = from === this.participants.length - 1;
    const lines = wrapped(text, (isLast ? COLUMN / 2 : COLUMN) - 36);
    const height = lines.length * LINE;
    this.shapes.push(label(lines, this.x(from) + 28, this.y + 10, 'start'));
    this.shapes.push(arrowAlong(`M${this.x(from)} ${this.y}h20v${height}h-19`, 'call'));
    this.y += height + GAP;
  }

  private note({ from, to, text }: Note): void {
    const left = Math.min(this.x(from), this.x(to)) - COLUMN / 2 + PAD;
    const width = Math.abs(to - from) * COLUMN + COLUMN - 2 * PAD;
    const lines = wrapped(text, width - 2 * PAD);
    const height = lines.length * LINE + PAD;
    this.shapes.push(`<rect class="note" x="${left}" y="${this.y - 6}" width="${width}" height="${height}" rx="4"/>`);
    this.shapes.push(label(lines, left + width / 2, this.y + 10, 'middle', 'inside'));
    this.y += height + GAP - 4;
  }

  private frame({ kind, text }: Frame): void {
    const inset = 3 * (kind === 'open' ? this.frames.length : this.frames.length - 1) + 1;
    if (kind === 'open') this.frames.push({ top: this.y - 8, dividers: [] });
    const frame = this.frames.at(-1);
    if (!frame) throw new Error('An "else" or "end" without its "alt" or "opt".');
    if (kind === 'else') frame.dividers.push(this.y - 8);
    if (kind === 'close') return this.close(frame, inset);
    this.shapes.push(label([text], inset + PAD, this.y + 8, 'start', 'condition'));
    this.y += LINE + GAP - 6;
  }

  private close(
    { top, dividers }: { readonly top: number; readonly dividers: readonly number[] },
    inset: number,
  ): void {
    const width = this.width - 2 * inset;
    this.background.push(
      `<rect class="frame" x="${inset}" y="${top}" width="${width}" height="${this.y - top - 6}" rx="4"/>`,
      ...dividers.map((y) => `<line class="frame" x1="${inset}" y1="${y}" x2="${inset + width}" y2="${y}"/>`),
    );
    this.frames.pop();
    this.y += GAP - 6;
  }
}

function arrowAlong(path: string, kind: 'call' | 'answer'): string {
  return `<path class="${kind}" d="${path}" marker-end="url(#arrow)"/>`;
}

function label(lines: readonly string[], x: number, y: number, anchor = 'middle', kind = 'label'): string {
  return lines
    .map(
      (line, index) =>
        `<text class="${kind}" text-anchor="${anchor}" x="${x}" y="${y + index * LINE}">${escape(line)}</text>`,
    )
    .join('');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`.trim();
    if (lines.length > 0 && longer.length * CHARACTER <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
