import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';

const ORDERS = [
  { id: 1042, item: 'Looking-glass', state: 'on its way' },
  { id: 1043, item: 'Pocket watch', state: 'late, too late' },
];

/** A resource server (RFC 6750): answers to whoever bears an access token that is good right now. */
export class OrdersApi {
  constructor(private readonly provider: Provider) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, value] = /^Bearer ([\w.~+/-]+=*)$/iu.exec(request.headers.authorization ?? '') ?? [];
    const token = value === undefined ? undefined : await this.provider.AccessToken.find(value);
    if (!token?.isValid) {
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ customer: token.accountId, orders: ORDERS }));
  }
}
