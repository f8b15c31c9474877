const KEY_LENGTH = 6;

interface Needle {
  readonly text: string;
  readonly name: string;
}

/**
 * Looks for thousands of values at once, in bytes, each as it is, in base64 and base64url wherever it may begin in what
 * was encoded, and in hex. Values must have at least twelve bytes, so that none is there by chance.
 */
export class Needles {
  private readonly byBeginning = new Map<string, Needle[]>();

  add(name: string, value: string): void {
    if (value.length < 12) throw new Error(`Too short to be looked for: ${name}`);
    for (const [form, text] of formsOf(value)) {
      const beginning = text.slice(0, KEY_LENGTH);
      this.byBeginning.set(beginning, [...(this.byBeginning.get(beginning) ?? []), { text, name: `${name} ${form}` }]);
    }
  }

  /** The names of what is there. */
  in(haystack: Buffer): string[] {
    const text = haystack.toString('latin1');
    const found = new Set<string>();
    for (let at = 0; at <= text.length - KEY_LENGTH; at += 1) {
      for (const needle of this.byBeginning.get(text.slice(at, at + KEY_LENGTH)) ?? []) {
        if (text.startsWith(needle.text, at)) found.add(needle.name);
      }
    }
    return [...found];
  }
}

function formsOf(value: string): (readonly [string, string])[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  return [
    ['in clear', bytes.toString('latin1')],
    ['in hex', hex],
    ['in hex', hex.toUpperCase()],
    ...[0, 1, 2].flatMap((offset) => {
      const base64 = base64At(bytes, offset);
      const base64url = base64.replaceAll('+', '-').replaceAll('/', '_');
      return [['in base64', base64] as const, ['in base64url', base64url] as const];
    }),
  ];
}

/** The characters that do not depend on what comes before, which has `offset` bytes more than a multiple of three, or after. */
function base64At(bytes: Buffer, offset: number): string {
  const whole = Math.floor((offset + bytes.length) / 3) * 4;
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return encoded.slice([0, 2, 3][offset], whole);
}
