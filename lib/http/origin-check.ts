import { Inject, Injectable } from '@nestjs/common';
import { CrossOriginRequestError } from '../common/errors.js';
import { EventLog } from '../common/events.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import type { PlatformRequest } from './platform.js';

type Sign = 'origin' | 'sec_fetch' | 'header';

/**
 * A request that changes state with a user's cookie must come from one of our own pages (OWASP ASVS 3.5.1). Browsers say
 * where a request comes from (`Origin`, `Sec-Fetch-Site`); what says neither is no browser, and nothing lends it a user's
 * cookies.
 */
@Injectable()
export class OriginCheck {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(EventLog) private readonly events: EventLog,
  ) {}

  /** @throws CrossOriginRequestError */
  require(request: PlatformRequest): void {
    const sign = this.signOfOtherOrigin(request);
    if (sign !== undefined) this.refuse(sign, 'The request comes from another origin.');
  }

  /**
   * The header that the option `csrfHeader` names, whatever its value: only scripts send it, and those of other origins
   * need leave to (OAuth 2.0 for Browser-Based Applications §6.1.3.3.2).
   *
   * @throws CrossOriginRequestError
   */
  requireHeader({ headers }: PlatformRequest): void {
    const { csrfHeader } = this.options;
    if (csrfHeader !== undefined && headers[csrfHeader] === undefined) {
      this.refuse('header', `The request lacks the header ${csrfHeader}, which csrfHeader asks for.`);
    }
  }

  private signOfOtherOrigin({ headers }: PlatformRequest): Sign | undefined {
    const { origin } = headers;
    const site = headers['sec-fetch-site'];
    if (origin !== undefined && this.options.allowedOrigins.includes(origin)) return undefined;
    // A form on one of our pages whose Referrer-Policy is no-referrer: the browser hides the origin, not that it is ours.
    if (origin === 'null' && site === 'same-origin') return undefined;
    if (origin !== undefined && origin !== this.options.base.origin) return 'origin';
    // `none`: the user's own doing, such as a page that is loaded again. No page can cause it.
    return site === undefined || site === 'same-origin' || site === 'none' ? undefined : 'sec_fetch';
  }

  private refuse(sign: Sign, message: string): never {
    this.events.emit({ name: 'request.cross_origin', reason: sign });
    throw new CrossOriginRequestError(message, { detail: sign });
  }
}
