/**
 * Every value of one cookie in a `Cookie` header (RFC 6265 §5.4), in order, found without parsing the other cookies.
 * Linear in the length of the header.
 */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  if (!header?.includes(name)) return [];
  const values: string[] = [];
  const prefix = `${name}=`;
  for (let start = 0; start < header.length;) {
    const end = header.indexOf(';', start);
    const stop = end === -1 ? header.length : end;
    while (header.charCodeAt(start) === 0x20) start += 1;
    if (header.startsWith(prefix, start)) values.push(header.slice(start + prefix.length, stop).trimEnd());
    start = stop + 1;
  }
  return values;
}

/**
 * The cookies in the header whose names start with `prefix`, in order; of a name that comes twice the first value. One
 * pass, however many they are.
 */
export function cookiesWithPrefix(header: string | undefined, prefix: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (!header?.includes(prefix)) return found;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim();
    if (name.startsWith(prefix) && !found.has(name)) found.set(name, pair.slice(equals + 1).trimEnd());
  }
  return found;
}

/** Names of all cookies in the header that start with `prefix`, in order, each once. */
export function cookieNames(header: string | undefined, prefix: string): readonly string[] {
  return [...cookiesWithPrefix(header, prefix).keys()];
}
