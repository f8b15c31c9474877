// The library, at the issuer ISSUER. Its handler is public, so that a request without a session is answered with 200. Otherwise
// as bare.js.
import { OidcModule, Public } from 'nest-oidc';
import { controllerOf, createApp } from '../subjects/platform.js';

const module = OidcModule.forRoot({
  issuer: process.env.ISSUER,
  clientId: 'bench-client',
  clientSecret: 'a-client-secret-that-is-never-sent',
  baseUrl: 'https://app.example.test',
  secret: 'fJ2-bench-only-Vn8_secret-Qx71-longer-than-32',
});
const controller = controllerOf(() => process.cpuUsage(), [], [Public()]);
const app = await createApp('express', controller, [module]);
await app.listen(0, '127.0.0.1');
console.log(app.getHttpServer().address().port);
