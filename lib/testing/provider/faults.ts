import type { ProviderEndpoint } from './endpoints.js';

/** Error codes of OAuth 2.0 and OpenID Connect (RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core 1.0 §3.1.2.6). */
export type ProviderErrorCode =
  | 'access_denied'
  | 'consent_required'
  | 'interaction_required'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_token'
  | 'login_required'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'unauthorized_client'
  | 'unsupported_grant_type';

/**
 * What goes wrong: an HTTP status; an error code, answered as the endpoint answers errors; `hang`: no answer, ever;
 * `drop`: the connection is closed and nothing was done; `lose`: everything was done, and the answer is lost on its way.
 */
export type ProviderFault = number | ProviderErrorCode | 'hang' | 'drop' | 'lose';

interface Planned {
  readonly fault: ProviderFault;
  left: number;
}

/** What is to go wrong, by endpoint. */
export class Faults {
  private readonly planned = new Map<ProviderEndpoint, Planned>();

  plan(endpoint: ProviderEndpoint, fault: ProviderFault, times: number): void {
    this.planned.set(endpoint, { fault, left: times });
  }

  /** What goes wrong with this request, if anything does. */
  next(endpoint: ProviderEndpoint): ProviderFault | undefined {
    const planned = this.planned.get(endpoint);
    if (!planned || planned.left <= 0) return undefined;
    planned.left -= 1;
    return planned.fault;
  }

  clear(endpoint?: ProviderEndpoint): void {
    if (endpoint === undefined) this.planned.clear();
    else this.planned.delete(endpoint);
  }
}
