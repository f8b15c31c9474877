import fc from 'fast-check';

const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

/** Tries it on that many values. What fails is shrunk and shown with its seed: run it again with PROPERTY_SEED. */
export function holds<T>(property: fc.IProperty<T>, numRuns = 250): void {
  fc.assert(property, { seed: SEED, numRuns });
}

export async function holdsInTime<T>(property: fc.IAsyncProperty<T>, numRuns = 250): Promise<void> {
  await fc.assert(property, { seed: SEED, numRuns });
}

/** Any text, lone surrogates and control characters included. */
export const anyText = (maxLength = 60): fc.Arbitrary<string> =>
  fc.oneof(fc.string({ unit: 'binary', maxLength }), fc.string({ unit: 'grapheme', maxLength }));

/** Text put together of pieces that mean something to whoever reads it, and of anything else. */
export const textOf = (pieces: readonly string[], maxLength = 12): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...pieces) }, anyText(4)), { maxLength })
    .map((parts) => parts.join(''));

const anyName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'toJSON', ''),
  anyText(8),
);

/** Values as JSON brings them, with names that JavaScript treats in a way of its own. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small', withCrossShrink: true },
    fc.oneof(anyText(20), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(anyName, tie('value')), { maxLength: 4 }).map((members) => objectOf(members)),
  ),
})).value;

/** As `JSON.parse` makes it: `__proto__` is a member like any other. */
export function objectOf(members: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(members) as Record<string, unknown>;
}

/** An object as JSON brings it. */
export const anyMembers: fc.Arbitrary<Record<string, unknown>> = fc
  .array(fc.tuple(anyName, anyJson), { maxLength: 6 })
  .map(objectOf);

/** What JSON makes of it: `-0` is 0. */
export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
