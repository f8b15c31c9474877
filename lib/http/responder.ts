import { Inject, Injectable } from '@nestjs/common';
import type { OidcError } from '../common/errors.js';
import type { SiteData } from '../options/oidc-options.js';
import { PublicUrls } from '../options/public-urls.js';
import { ERROR_PAGE_STYLE_SOURCE, errorPage, forwardingPage } from './pages.js';
import { Platform, type PlatformRequest, type PlatformResponse } from './platform.js';
import { wantsHtml } from './request-kind.js';

const CLOSED = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

type Headers = Readonly<Record<string, string>>;

/** On every answer of ours: not cached, not sniffed, nothing leaked to the next site. */
const PRIVATE: Headers = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** And for nobody's frame but where that is the point. */
const HEADERS: Headers = {
  ...PRIVATE,
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': `${CLOSED}; form-action 'none'`,
};

const HTML = 'text/html; charset=utf-8';

/** Nobody looks at it: that it has loaded is all that the provider's page waits for. */
const FRAMED_PAGE = '<!doctype html><html lang="en"><title>Logged out</title></html>';

/** Answers requests in the library's name: redirects, JSON, and pages that people understand. */
@Injectable()
export class Responder {
  /** Where users want to go whose logins fail. By the request: errors are shared, as by all who wait for the provider. */
  private readonly destinations = new WeakMap<PlatformRequest, string>();

  constructor(
    @Inject(Platform) private readonly platform: Platform,
    @Inject(PublicUrls) private readonly urls: PublicUrls,
  ) {}

  redirect(response: PlatformResponse, status: 302 | 303, location: string): void {
    this.setHeaders(response);
    this.platform.redirect(response, status, location);
  }

  /** Sends the browser to a path from a page of our own: to the next request, it comes from here. */
  forward(response: PlatformResponse, path: string): void {
    this.setHeaders(response);
    this.platform.send(response, 200, HTML, forwardingPage(path));
  }

  /** After a form. Where that may lead is for the page that held it to say. */
  redirectForm(response: PlatformResponse, location: string): void {
    this.setHeaders(response, { ...HEADERS, 'Content-Security-Policy': CLOSED });
    this.platform.redirect(response, 303, location);
  }

  /** The browser forgets what it keeps of this origin (W3C Clear Site Data §3.1). For an answer that is sent afterwards. */
  clearSiteData(response: PlatformResponse, kinds: readonly SiteData[]): void {
    if (kinds.length === 0) return;
    this.platform.setHeader(response, 'Clear-Site-Data', kinds.map((kind) => `"${kind}"`).join(', '));
  }

  empty(response: PlatformResponse, status: number): void {
    this.setHeaders(response);
    this.platform.sendEmpty(response, status);
  }

  /** A page for a frame on a page of `parentOrigin`. */
  frame(response: PlatformResponse, parentOrigin: string): void {
    const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors ${parentOrigin}`;
    this.setHeaders(response, { ...PRIVATE, 'Content-Security-Policy': policy });
    this.platform.send(response, 200, HTML, FRAMED_PAGE);
  }

  json(response: PlatformResponse, status: number, body: unknown): void {
    this.setHeaders(response);
    this.platform.send(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
  }

  /** For a provider's request: the error code of OpenID Connect Back-Channel Logout 1.0 §2.8, or ours where we failed it. */
  errorToProvider(response: PlatformResponse, error: OidcError, correlationId: string): void {
    this.setRetryAfter(response, error);
    const body = error.statusCode < 500 ? { error: 'invalid_request' } : { error: error.code, correlationId };
    this.json(response, error.statusCode, body);
  }

  error(request: PlatformRequest, response: PlatformResponse, error: OidcError, correlationId: string): void {
    this.setRetryAfter(response, error);
    if (!wantsHtml(request)) return this.json(response, error.statusCode, { error: error.code, correlationId });
    this.setHeaders(response, {
      ...HEADERS,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Content-Security-Policy': `${CLOSED}; form-action 'none'; style-src ${ERROR_PAGE_STYLE_SOURCE}`,
    });
    this.platform.send(response, error.statusCode, HTML, this.page(request, error, correlationId));
  }

  /** A page that says what is wrong with this request offers to start again, and to go on to `path` then. */
  returnTo(request: PlatformRequest, path: string): void {
    this.destinations.set(request, path);
  }

  private page(request: PlatformRequest, error: OidcError, correlationId: string): string {
    // Another login would bring whom it refuses back here.
    const login = error.code === 'access_denied' ? undefined : this.urls.pathOf('login');
    return errorPage({
      ...wordingOf(error),
      code: error.code,
      correlationId,
      link: login === undefined ? undefined : { href: login + this.returnQueryOf(request), text: 'Start again' },
    });
  }

  private returnQueryOf(request: PlatformRequest): string {
    const returnTo = this.destinations.get(request);
    return returnTo === undefined ? '' : `?${new URLSearchParams({ returnTo }).toString()}`;
  }

  private setRetryAfter(response: PlatformResponse, { retryAfter }: OidcError): void {
    if (retryAfter !== undefined) this.platform.setHeader(response, 'Retry-After', String(retryAfter));
  }

  private setHeaders(response: PlatformResponse, headers = HEADERS): void {
    for (const [name, value] of Object.entries(headers)) this.platform.setHeader(response, name, value);
  }
}

interface Wording {
  readonly title: string;
  readonly explanation: string;
}

/** Fixed words per outcome: nothing that came from outside is shown. */
function wordingOf({ code, statusCode, detail }: OidcError): Wording {
  if (code === 'op_error' && detail === 'access_denied') {
    return { title: 'Login cancelled', explanation: 'You were not logged in, because the login was cancelled.' };
  }
  if (code === 'op_error' && statusCode === 400) {
    return {
      title: 'The login did not work',
      explanation: 'The login service refused this login. Please try again, or ask for help.',
    };
  }
  if (code === 'csrf_rejected') {
    return {
      title: 'Request refused',
      explanation:
        'This request came from another site, so nothing was changed. Go back to the application and try again.',
    };
  }
  if (code === 'access_denied') {
    return { title: 'Access refused', explanation: 'You are logged in, but you are not allowed to see or do this.' };
  }
  if (code === 'request_invalid') {
    return {
      title: 'Nothing to do',
      explanation: 'This address is for the login service, and it did not say what to do.',
    };
  }
  if (statusCode === 403) return { title: 'Access refused', explanation: 'The application did not let you in.' };
  if (statusCode === 401) return { title: 'Please log in', explanation: 'You need to log in to see this page.' };
  if (statusCode === 503) {
    return {
      title: 'Not available right now',
      explanation: 'A part of the login is not answering. You are not logged out. Please try again in a moment.',
    };
  }
  if (statusCode >= 500) {
    return {
      title: 'The login did not work',
      explanation: 'The login service gave an answer that cannot be trusted. Please try again, or ask for help.',
    };
  }
  return {
    title: 'This login cannot be continued',
    explanation:
      'It may have been used already, have taken too long, or have been started in another browser. ' +
      'If you are logged in already, nothing has changed.',
  };
}
