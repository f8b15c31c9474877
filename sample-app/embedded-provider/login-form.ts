import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { DEMO_USERS, type DemoUser } from './demo-users.js';
import { loginPage } from './provider-pages.js';
import { sendHtml } from './send-html.js';

const MAX_FORM_BYTES = 4096;

/**
 * Shows and checks the login form. `interactionDetails` throws unless the browser holds the cookie of this very login
 * (same site, and this path only): neither another site nor another browser can send the form.
 */
export class LoginForm {
  constructor(private readonly provider: Provider) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid } = await this.provider.interactionDetails(request, response);
    if (request.method !== 'POST') return sendHtml(response, 200, loginPage({ uid }));
    const form = await readForm(request);
    const userName = form.get('username')?.trim() ?? '';
    const user = userOf(userName, form.get('password') ?? '');
    if (!user) return sendHtml(response, 401, loginPage({ uid, userName, refused: true }));
    await this.provider.interactionFinished(
      request,
      response,
      { login: { accountId: user.sub } },
      { mergeWithLastSubmission: false },
    );
  }
}

function userOf(userName: string, password: string): DemoUser | undefined {
  const user = DEMO_USERS.find(({ sub }) => sub === userName.toLowerCase());
  return user && isSame(user.password, password) ? user : undefined;
}

function isSame(expected: string, received: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(received)];
  return left.length === right.length && timingSafeEqual(left, right);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FORM_BYTES) throw new RangeError('The form is too long.');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
