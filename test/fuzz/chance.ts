import { Dice } from '../processes/dice.js';

const ASCII = Array.from({ length: 94 }, (_, index) => String.fromCodePoint(33 + index));

/** Choices that come again with the same seed. */
export class Chance extends Dice {
  /** `true` with this probability. */
  of(probability: number): boolean {
    return this.roll() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Up to `maxLength` characters, printable ASCII unless told otherwise. */
  text(maxLength: number, alphabet: readonly string[] = ASCII): string {
    return Array.from({ length: this.below(maxLength + 1) }, () => this.pick(alphabet)).join('');
  }

  /** Any bytes, as a string of one character each. */
  bytes(maxLength: number): string {
    return Array.from({ length: this.below(maxLength + 1) }, () => String.fromCodePoint(this.below(256))).join('');
  }

  /** The text with one thing wrong: a character changed, cut, doubled, put in. */
  bent(text: string): string {
    const at = this.below(text.length + 1);
    const [before, after] = [text.slice(0, at), text.slice(at)];
    switch (this.below(6)) {
      case 0:
        return before + this.text(1) + after.slice(1);
      case 1:
        return before;
      case 2:
        return text + text;
      case 3:
        return before + this.pick(['%00', '%0d%0a', '"', ',', '\t', '=', 'é', '%']) + after;
      case 4:
        return text.toLowerCase() === text ? text.toUpperCase() : text.toLowerCase();
      default:
        return before + after.slice(1);
    }
  }
}
