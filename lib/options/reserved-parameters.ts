/**
 * Parameters of the authorization request that the library sets itself, or that prove who the client is. Two values for one
 * of them would be an attack surface (RFC 6749 §3.1).
 */
export const RESERVED_PARAMETERS: ReadonlySet<string> = new Set([
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'max_age',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
]);
