import { request } from 'node:http';

/** A browser, as far as a login needs one: a cookie jar for one host, and navigations. `fetch` would add headers. */
export class Client {
  #cookies = new Map();

  /** Follows redirects; answers the last response, and where it came from. */
  async navigate(url) {
    let [current, response] = [url, await this.send('GET', url)];
    for (let hops = 0; response.headers.location !== undefined; hops += 1) {
      if (hops === 20) throw new Error(`too many redirects, last at ${current}`);
      current = new URL(response.headers.location, current).href;
      response = await this.send('GET', current);
    }
    return { ...response, url: current };
  }

  async send(method, url, headers = {}) {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
    const page = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const response = await exchange(method, url, { ...page, ...(cookie ? { cookie } : {}), ...headers });
    for (const line of response.headers['set-cookie'] ?? []) this.#keep(line);
    return response;
  }

  #keep(line) {
    const [, name, value] = /^([^=]+)=([^;]*)/u.exec(line) ?? [];
    if (/max-age=0|expires=thu, 01 jan 1970/iu.test(line)) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

function exchange(method, url, headers) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers }, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk) => (body += chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode, headers: incoming.headers, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
