// A subject's module is loaded when the subject starts, so that the memory of each is its own.
const bare = async (...args) => (await import('./bare.js')).bare(...args);
const guard = async (...args) => (await import('./bare.js')).guard(...args);
const cohort = async (...args) => (await import('./bare.js')).cohort(...args);
const lookup = async (...args) => (await import('./bare.js')).lookup(...args);
const nodeHttp = async () => (await import('./node-http.js')).nodeHttp();
const floor = async (...args) => (await import('./floor.js')).floor(...args);
const ours = async (...args) => (await import('./ours.js')).ours(...args);
const oursMany = async (...args) => (await import('./ours-many.js')).oursMany(...args);
const handWritten = async (context) => (await import('../peers/hand-written.js')).handWritten(context);
const expressOpenidConnect = async (context) =>
  (await import('../peers/express-openid-connect.js')).expressOpenidConnect(context);
const ironSession = async () => (await import('../peers/iron-session.js')).ironSession();
const honoOidcAuth = async () => (await import('../peers/hono-oidc-auth.js')).honoOidcAuth();
const betterAuth = async (context) => (await import('../peers/better-auth.js')).betterAuthSubject(context);

/** More than this library keeps opened in memory (lib/session/recent-sessions.ts), so that hardly a request finds its own. */
const MANY = 20_000;

/** So many that hardly two requests at once are of the same one, and few enough to be kept opened. */
const USERS = 1000;

/** What is measured, by name. Each starts an application that answers `GET /me` with `{"sub":"…"}` (subject.js). */
export const subjects = {
  'node http': () => nodeHttp(),
  'express bare': () => bare('express'),
  'fastify bare': () => bare('fastify'),
  'express guard': () => guard('express'),
  'fastify guard': () => guard('fastify'),
  'express cohort': () => cohort('express'),
  'fastify cohort': () => cohort('fastify'),
  'express lookup': () => lookup('express'),
  'fastify lookup': () => lookup('fastify'),
  'express floor': (context) => floor('express', context),
  'fastify floor': (context) => floor('fastify', context),
  'express floor users': (context) => floor('express', { ...context, sessions: USERS }),
  'fastify floor users': (context) => floor('fastify', { ...context, sessions: USERS }),
  'express floor many': (context) => floor('express', { ...context, sessions: MANY }),
  'fastify floor many': (context) => floor('fastify', { ...context, sessions: MANY }),
  'express redis': (context) => ours('express', { ...context, store: 'redis' }),
  'fastify redis': (context) => ours('fastify', { ...context, store: 'redis' }),
  'express cached': (context) => ours('express', { ...context, store: 'redis', processCache: true }),
  'fastify cached': (context) => ours('fastify', { ...context, store: 'redis', processCache: true }),
  'express redis users': (context) => oursMany('express', { ...context, sessions: USERS }),
  'fastify redis users': (context) => oursMany('fastify', { ...context, sessions: USERS }),
  'express redis many': (context) => oursMany('express', { ...context, sessions: MANY }),
  'fastify redis many': (context) => oursMany('fastify', { ...context, sessions: MANY }),
  'express memory': (context) => ours('express', { ...context, store: 'memory' }),
  'fastify memory': (context) => ours('fastify', { ...context, store: 'memory' }),
  'express public': (context) => ours('express', { ...context, store: 'memory', access: 'public' }),
  'fastify public': (context) => ours('fastify', { ...context, store: 'memory', access: 'public' }),
  'express hand-written': (context) => handWritten(context),
  'express hand-written users': (context) => handWritten({ ...context, sessions: USERS }),
  'express-openid-connect cookie': (context) => expressOpenidConnect({ ...context, store: 'cookie' }),
  'express-openid-connect redis': (context) => expressOpenidConnect({ ...context, store: 'redis' }),
  'iron-session': () => ironSession(),
  'hono oidc-auth': () => honoOidcAuth(),
  'better-auth redis': (context) => betterAuth(context),
};
