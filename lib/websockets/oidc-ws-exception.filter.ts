import { Catch, Inject, type ArgumentsHost } from '@nestjs/common';
import { BaseWsExceptionFilter } from '@nestjs/websockets';
import { OidcError } from '../common/errors.js';
import { SocketSessions } from '../http/socket-sessions.js';

type Client = Parameters<BaseWsExceptionFilter['handleError']>[0];

/**
 * Tells a gateway's client of an error of this library that a handler has thrown, as the guard tells of its own: the event
 * `exception` with `{ status: 'error', message: '<code>', correlationId }`. With `@UseFilters()`, since Nest asks no global
 * filter about gateways.
 */
@Catch(OidcError)
export class OidcWsExceptionFilter extends BaseWsExceptionFilter {
  constructor(@Inject(SocketSessions) private readonly sockets: SocketSessions) {
    super();
  }

  override catch(error: OidcError, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<Client>();
    this.handleError(client, this.sockets.exceptionFor(client, error), undefined);
  }
}
