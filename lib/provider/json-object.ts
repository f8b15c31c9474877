const MAX_DEPTH = 32;

/** What gives JSON its shape. Strings are matched whole, so that nothing inside them counts. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/gsu;

/**
 * Reads a JSON object as strictly as its reader must be: `undefined` for anything else, for one that repeats a member,
 * which parsers read differently (RFC 8259 §4, RFC 7519 §4), and for one that is nested so deep that walking it could
 * exhaust the stack.
 */
export function parseJsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    const json: unknown = JSON.parse(text);
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
    return isObject && isUnambiguous(text) ? (json as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** One pass over text that is known to be JSON: a colon outside a string always follows the name of a member. */
function isUnambiguous(json: string): boolean {
  const open: Set<string>[] = [];
  let previous = '';
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > MAX_DEPTH) return false;
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ':') {
      // The same name can be spelt with escapes.
      const name = JSON.parse(previous) as string;
      if (open.at(-1)?.has(name)) return false;
      open.at(-1)?.add(name);
    }
    previous = token;
  }
  return true;
}
