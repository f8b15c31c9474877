import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../common/clock.js';
import { randomToken } from '../common/random.js';
import { RESOLVED_OPTIONS, type ResolvedOptions } from '../options/resolved-options.js';
import { Sealer } from '../session/sealing.js';

/** A login under way. Lives sealed in a cookie of the browser that started it, so that it can fill no store. */
export interface AuthorizationRequest {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  /** `max_age` as it was sent. Seconds. */
  readonly maxAge?: number;
  /** Whether it was sent with `prompt=none`: the provider asks the user nothing. */
  readonly silent?: true;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

const SHORT_NAME_LENGTH = 8;

/** Seals authorization requests, and names them such that a callback finds its own by its `state` alone. */
@Injectable()
export class AuthorizationRequests {
  private readonly sealer: Sealer;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.sealer = new Sealer(options.secrets, 'authorization request');
  }

  /** Fresh random `state`, `nonce` and code verifier: 256 bits each, independent (RFC 9700 §2.1.1). */
  create(returnTo: string, redirectUri: string, prompt?: string): AuthorizationRequest {
    const { issuer, clientId, login } = this.options;
    return {
      state: randomToken(),
      nonce: randomToken(),
      codeVerifier: randomToken(),
      returnTo,
      issuer,
      clientId,
      redirectUri,
      ...(login.maxAge === undefined ? {} : { maxAge: login.maxAge }),
      ...(prompt?.split(' ').includes('none') ? { silent: true } : {}),
      createdAt: this.clock.now(),
    };
  }

  /** Eight characters that tell the cookies of several logins apart. */
  nameOf(state: string): string {
    return createHash('sha256').update(state).digest('base64url').slice(0, SHORT_NAME_LENGTH);
  }

  seal(request: AuthorizationRequest): string {
    return this.sealer.seal(Buffer.from(JSON.stringify(request)), this.nameOf(request.state)).toString('base64url');
  }

  /** `undefined` for what this application did not seal under this name. */
  unseal(sealed: string, name: string): AuthorizationRequest | undefined {
    const opened = this.sealer.unseal(Buffer.from(sealed, 'base64url'), name);
    return typeof opened === 'string' ? undefined : (JSON.parse(opened.toString('utf8')) as AuthorizationRequest);
  }

  isExpired({ createdAt }: AuthorizationRequest): boolean {
    return this.clock.now() >= this.expiresAt(createdAt);
  }

  expiresAt(createdAt: number): number {
    return createdAt + this.options.login.lifetime * 1000;
  }
}
