import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A provider whose metadata can be had, over https as production wants it. `env` is what a process needs to trust it. It
 * counts the requests that come.
 */
export async function startProvider() {
  const directory = await mkdtemp(join(tmpdir(), 'nest-oidc-bench-'));
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(directory, name));
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await promisify(execFile)('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate]);
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const provider = { issuer, requests: 0, env: { NODE_EXTRA_CA_CERTS: certificate }, stop };
  server.on('request', (request, response) => {
    provider.requests += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(metadataOf(issuer)));
  });
  return provider;

  async function stop() {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function metadataOf(issuer) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}
