/**
 * The libraries that speak the protocol. They are loaded when they are first needed: an application starts, and answers whoever
 * is logged in, without them.
 */
export const loadOpenidClient = (): Promise<typeof import('openid-client')> => import('openid-client');

export const loadJose = (): Promise<typeof import('jose')> => import('jose');
