import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';

export interface BrowserResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  readonly location: string | undefined;
  readonly body: string;
  json<T = Record<string, unknown>>(): T;
}

export interface BrowserRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * As much of a browser as a journey needs: a cookie jar per host (ports share it, as in real ones), navigations that
 * follow redirects, and script requests that do not. Sends what is told to the wire, unlike `fetch`, which adds headers.
 */
export class Browser {
  readonly cookies = new Map<string, string>();

  /** A top-level navigation: follows redirects up to where `stop` says so, and answers the last response. */
  async navigate(
    url: string,
    stop: (url: string) => boolean = () => false,
  ): Promise<BrowserResponse & { url: string }> {
    let current = url;
    for (let hops = 0; hops < 20; hops += 1) {
      const response = await this.open(current);
      if (response.location === undefined || response.status < 300 || response.status > 399) {
        return { ...response, url: current };
      }
      const next = new URL(response.location, current).href;
      if (stop(next)) return { ...response, url: next };
      current = next;
    }
    throw new Error(`too many redirects, last at ${current}`);
  }

  /** One navigation without following. */
  open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<BrowserResponse> {
    return this.send(url, {
      headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', ...headers },
    });
  }

  /** What a page's own script sends. */
  fetch(url: string, request: BrowserRequest = {}): Promise<BrowserResponse> {
    const { method = 'GET' } = request;
    const origin: Record<string, string> = method === 'GET' ? {} : { origin: new URL(url).origin };
    return this.send(url, {
      ...request,
      headers: {
        accept: 'application/json',
        'sec-fetch-mode': 'cors',
        'sec-fetch-dest': 'empty',
        'sec-fetch-site': 'same-origin',
        ...origin,
        ...request.headers,
      },
    });
  }

  async send(url: string, { method = 'GET', headers = {}, body }: BrowserRequest): Promise<BrowserResponse> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await exchange(url, method, cookie ? { cookie, ...headers } : headers, body);
    for (const line of response.setCookies) this.keep(line);
    return response;
  }

  private keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf('='));
    const gone = attributes.some(
      (attribute) => /^max-age=0$/iu.test(attribute) || /^expires=thu, 01 jan 1970/iu.test(attribute),
    );
    if (gone) this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(name.length + 1));
  }
}

function exchange(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<BrowserResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers: { ...headers, ...lengthOf(body) } }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          setCookies: incoming.headers['set-cookie'] ?? [],
          location: incoming.headers.location,
          body: text,
          json: <T>() => JSON.parse(text) as T,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function lengthOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}
