import { Agent, request as httpRequest } from 'node:http';
import type { AppAnswer } from './app/messages.js';
import type { AppProcess } from './app-process.js';
import type { Fleet, User } from './fleet.js';

const LONGEST_ANSWER_MS = 20_000;

export interface Answer {
  /** 0 when the connection failed. */
  readonly status: number;
  readonly body: AppAnswer | undefined;
  readonly text: string;
  readonly ms: number;
}

/** Scripts' requests over connections that stay open. */
export class LoadClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 500, maxFreeSockets: 500 });

  close(): void {
    this.agent.destroy();
  }

  get(process: AppProcess, { cookie }: Pick<User, 'cookie'>, path = '/token'): Promise<Answer> {
    const startedAt = performance.now();
    return new Promise((resolve) => {
      const settle = (status: number, text: string): void => {
        const body = status === 200 ? (JSON.parse(text) as AppAnswer) : undefined;
        resolve({ status, body, text, ms: performance.now() - startedAt });
      };
      const request = httpRequest(
        {
          agent: this.agent,
          host: 'localhost',
          port: process.port,
          path,
          headers: { cookie, accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' },
          signal: AbortSignal.timeout(LONGEST_ANSWER_MS),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', (error) => settle(0, error.message));
          response.on('end', () => settle(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')));
        },
      );
      request.on('error', (error) => settle(0, error.message));
      request.end();
    });
  }

  /** That many requests of one user at once, over all processes in turn. */
  burst({ processes }: Fleet, user: User, count: number): Promise<Answer[]> {
    return Promise.all(
      Array.from({ length: count }, (_, index) => this.get(processes[index % processes.length] as AppProcess, user)),
    );
  }
}

/** The time within which 95 % of the answers had arrived. */
export function p95(answers: readonly Answer[]): number {
  const sorted = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.NaN;
}

/** How many answers had which status. */
export function statuses(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

export function tokensOf(answers: readonly Answer[]): string[] {
  return [...new Set(answers.map(({ body }) => body?.token ?? 'none'))];
}
