const SAMPLE = 200;

/** What one key of each kind occupies on average, by `MEMORY USAGE` of a sample: sessions, and the sets of the directory. */
export async function keyBytes({ client }) {
  const kinds = { session: 'oidc:s:*', set: 'oidc:x:*' };
  const entries = await Promise.all(
    Object.entries(kinds).map(async ([kind, pattern]) => [kind, await sampled(client, pattern)]),
  );
  return Object.fromEntries(entries);
}

async function sampled(client, pattern) {
  const keys = await someKeys(client, pattern);
  const usages = await Promise.all(keys.map((key) => client.memoryUsage(key, { SAMPLES: 0 })));
  const lengths = await Promise.all(
    keys.map(async (key) => ((await client.type(key)) === 'string' ? client.strLen(key) : undefined)),
  );
  return {
    sampled: keys.length,
    keyLength: Buffer.byteLength(keys[0] ?? ''),
    valueLength: lengths[0] === undefined ? undefined : mean(lengths),
    memoryUsage: mean(usages),
  };
}

async function someKeys(client, pattern) {
  const found = [];
  for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: 1000 })) {
    found.push(...keys);
    if (found.length >= SAMPLE) break;
  }
  return found.slice(0, SAMPLE);
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
