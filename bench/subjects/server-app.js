/** A `node:http` server with as much of a Nest application's face as subject.js needs. */
export const serverApp = (server) => ({
  getHttpServer: () => server,
  listen: (port, host) => new Promise((resolve) => server.listen(port, host, resolve)),
});
