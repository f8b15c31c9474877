import { Inject, Injectable } from '@nestjs/common';
import { localPath } from '../options/local-path.js';
import { PublicUrls } from '../options/public-urls.js';
import { ROUTE_NAMES } from '../options/routes.js';

/** Where a user goes after login. One rule for every source: the query, the guard, the sealed cookie. */
@Injectable()
export class ReturnTo {
  constructor(@Inject(PublicUrls) private readonly urls: PublicUrls) {}

  /** The path, safe and percent-encoded; the default for anything unsafe, and for our own routes, which would loop. */
  resolve(value: unknown): string {
    const path = localPath(value);
    return path === undefined || this.isOwnRoute(path) ? this.urls.afterLogin : path;
  }

  private isOwnRoute(path: string): boolean {
    const [pathname = ''] = path.split(/[?#]/u, 1);
    const plain = decoded(pathname).replace(/\/+$/u, '').toLowerCase();
    return ROUTE_NAMES.some((route) => this.urls.pathOf(route)?.toLowerCase() === plain);
  }
}

/** As routers that decode before they compare read it; as it is, where it cannot be decoded. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
