import { createServer } from 'node:http';
import { serverApp } from './server-app.js';
import { SUB } from './session.js';

/** No framework at all: what Node.js costs anyway. */
export function nodeHttp() {
  const server = createServer((_request, response) => {
    const body = JSON.stringify({ sub: SUB });
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(body);
  });
  return { app: serverApp(server), isOpen: true };
}
