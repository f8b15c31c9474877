import type { NextFunction, Request, Response } from 'express';

/** Notes when a request came in, ahead of everything that costs time. */
export function noteArrival(_request: Request, response: Response, next: NextFunction): void {
  response.locals['arrivedAt'] = performance.now();
  next();
}

export function arrivalOf(response: Response): number {
  return Number(response.locals['arrivedAt']);
}
