const MIN_SECRET_LENGTH = 32;
const MIN_DISTINCT_CHARACTERS = 8;

const KNOWN_EXAMPLES: readonly RegExp[] = [
  /change.?me/iu,
  /your.?secret/iu,
  /super.?secret/iu,
  /at.?least.?32/iu,
  /^(?:0123456789|1234567890|abcdefgh)/iu,
];

/** What is wrong with a secret, or `undefined`. The message never repeats the secret. */
export function problemOfSecret(secret: unknown): string | undefined {
  if (typeof secret !== 'string') return 'must be a string, or a list of strings';
  if (secret.length < MIN_SECRET_LENGTH) return `must have ${MIN_SECRET_LENGTH} characters or more`;
  if (new Set(secret).size < MIN_DISTINCT_CHARACTERS) return 'repeats the same few characters';
  if (KNOWN_EXAMPLES.some((example) => example.test(secret))) return 'is a well-known example';
  return undefined;
}
