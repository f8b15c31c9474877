import type { JWK } from 'jose';
import type { ClientAuth, CryptoKey } from 'openid-client';
import { OidcConfigurationError } from '../common/errors.js';
import type { ClientPrivateKey } from '../options/oidc-options.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { loadJose, loadOpenidClient } from './protocol.js';

/**
 * The client's proof at the token endpoint (OpenID Connect Core 1.0 §9).
 *
 * @throws OidcConfigurationError when the private key cannot be used
 */
export async function clientAuthentication(options: ResolvedOptions): Promise<ClientAuth> {
  const { ClientSecretBasic, ClientSecretPost, None, PrivateKeyJwt } = await loadOpenidClient();
  switch (options.clientAuthentication) {
    case 'client_secret_basic':
      return ClientSecretBasic(options.clientSecret);
    case 'client_secret_post':
      return ClientSecretPost(options.clientSecret);
    case 'private_key_jwt':
      return PrivateKeyJwt(await importPrivateKey(options.clientPrivateKey));
    case 'none':
      return None();
    default:
      return options.clientAuthentication satisfies never;
  }
}

async function importPrivateKey(privateKey: ClientPrivateKey | undefined): Promise<{ key: CryptoKey; kid?: string }> {
  const { importJWK, importPKCS8 } = await loadJose();
  const { key, keyId, algorithm } = privateKey ?? { key: '' };
  const jwk = typeof key === 'string' ? undefined : (key as JWK);
  const alg = algorithm ?? jwk?.alg ?? 'RS256';
  const kid = keyId ?? jwk?.kid;
  try {
    const imported = jwk ? await importJWK(jwk, alg) : await importPKCS8(key as string, alg);
    return { key: imported as CryptoKey, ...(kid === undefined ? {} : { kid }) };
  } catch {
    // The original error may quote the key.
    throw new OidcConfigurationError([`clientPrivateKey: cannot be read as a private key for ${alg}`]);
  }
}
