import { Inject, Injectable } from '@nestjs/common';
import { EventLog } from '../common/events.js';
import { localPath } from '../options/local-path.js';
import type { ForwardedParameter } from '../options/oidc-options.js';
import { PublicUrls } from '../options/public-urls.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { ProviderService } from '../provider/provider.service.js';
import { AuthorizationRequests, type AuthorizationRequest } from './authorization-request.js';
import { ReturnTo } from './return-to.js';

export interface LoginStart {
  readonly authorizationRequest: AuthorizationRequest;
  /** Where to send the browser. */
  readonly url: URL;
}

/** Starts a login: a new authorization request, and its URL at the provider. */
@Injectable()
export class LoginService {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(PublicUrls) private readonly urls: PublicUrls,
    @Inject(ProviderService) private readonly provider: ProviderService,
    @Inject(AuthorizationRequests) private readonly requests: AuthorizationRequests,
    @Inject(ReturnTo) private readonly returnTo: ReturnTo,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  /** @throws ProviderUnreachableError, ProviderFaultError: nothing was started */
  async start(query: URLSearchParams): Promise<LoginStart> {
    const asked = query.get('returnTo') || undefined;
    const returnTo = this.returnTo.resolve(asked);
    if (asked !== undefined && localPath(asked) === undefined) this.events.emit({ name: 'login.return_to_rejected' });
    const params = this.params(query);
    const authorizationRequest = this.requests.create(returnTo, this.urls.redirectUri, params['prompt']);
    const url = await this.provider.authorizationUrl({ ...authorizationRequest, params });
    this.events.emit({ name: 'login.started' });
    return { authorizationRequest, url };
  }

  private params(query: URLSearchParams): Record<string, string> {
    const { scope, authorizationParams, forwardParams, maxAge } = this.options.login;
    const forwarded = forwardParams
      .map((name): [ForwardedParameter, readonly string[]] => [name, query.getAll(name)])
      .flatMap(([name, values]) => (values.length === 1 && values[0] ? [[name, values[0]] as const] : []));
    return {
      ...authorizationParams,
      ...Object.fromEntries(forwarded),
      scope,
      ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    };
  }
}
