import { All, Controller, NotFoundException, Req, Res, StreamableFile } from '@nestjs/common';
import { TokenService, type PlatformRequest } from 'nest-oidc';
import { Readable } from 'node:stream';

/** As much of an answer as Express and Fastify have in common. */
interface Answer {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

@Controller('api')
export class ApiProxyController {
  constructor(private readonly tokens: TokenService) {}

  @All('*path')
  async forward(@Req() request: PlatformRequest & { url: string }, @Res({ passthrough: true }) response: Answer) {
    const url = new URL(process.env['API_URL'] + request.url);
    if (!url.pathname.startsWith('/api/')) throw new NotFoundException(); // `/api/../internal`
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD' && request.body !== undefined;
    const answer = await this.tokens.fetch(request, url, {
      method: request.method,
      redirect: 'manual',
      signal: AbortSignal.timeout(30_000),
      ...(hasBody && { body: JSON.stringify(request.body), headers: { 'Content-Type': 'application/json' } }),
    });
    response.status(answer.status);
    response.header('Cache-Control', 'no-store');
    if (!answer.body) return undefined;
    const type = answer.headers.get('Content-Type') ?? 'application/octet-stream';
    return new StreamableFile(Readable.fromWeb(answer.body), { type });
  }
}
