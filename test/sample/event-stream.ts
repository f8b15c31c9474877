import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';

/** Server-sent events (WHATWG HTML §9.2) as they come in. */
export class EventStream {
  text = '';
  ended = false;

  private constructor(readonly response: IncomingMessage) {
    response.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    response.on('close', () => (this.ended = true));
  }

  static open(url: string, browser: Browser): Promise<EventStream> {
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return new Promise((resolve, reject) => {
      httpRequest(url, { headers: { accept: 'text/event-stream', cookie } })
        .on('response', (response) => resolve(new EventStream(response)))
        .on('error', reject)
        .end();
    });
  }

  /** The data of all messages so far. */
  get messages(): readonly Readonly<Record<string, unknown>>[] {
    return [...this.text.matchAll(/^data: (.+)\n\n/gmu)].map(
      ([, data = '']) => JSON.parse(data) as Record<string, unknown>,
    );
  }

  /** Waits until something that matches has been told. */
  told(text: string | RegExp): Promise<void> {
    return eventually(() => {
      if (this.text.search(text) === -1) throw new Error(`Not told yet: ${String(text)}\n${this.text}`);
    });
  }

  /** Waits until the server has ended it. */
  end(): Promise<void> {
    return eventually(() => {
      if (!this.ended) throw new Error('The stream goes on.');
    });
  }

  close(): void {
    this.response.destroy();
  }
}
