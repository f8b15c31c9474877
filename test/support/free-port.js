import { once } from 'node:events';
import { createServer } from 'node:net';

const [FIRST, LAST] = [10_000, 32_000];

/**
 * A port that is free, for a server that is started later. It lies below the ports that systems give to connections and to
 * servers that ask for any (from 32,768 on Linux), so that none of those takes it in between.
 */
export async function freePort() {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) return port;
  }
}

async function isFree(port) {
  const server = createServer().listen(port); // of every address, IPv4 and IPv6
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
