import { bare } from './bare.js';
import { floor } from './floor.js';
import { ours } from './ours.js';

/** What is measured, by name. Each starts a Nest application that answers `GET /me` with `{"sub":"…"}`. */
export const subjects = {
  'express bare': () => bare('express'),
  'fastify bare': () => bare('fastify'),
  'express floor': (context) => floor('express', context),
  'fastify floor': (context) => floor('fastify', context),
  'express redis': (context) => ours('express', { ...context, store: 'redis' }),
  'fastify redis': (context) => ours('fastify', { ...context, store: 'redis' }),
  'express memory': (context) => ours('express', { ...context, store: 'memory' }),
  'fastify memory': (context) => ours('fastify', { ...context, store: 'memory' }),
  'express public': (context) => ours('express', { ...context, store: 'memory', access: 'public' }),
  'fastify public': (context) => ours('fastify', { ...context, store: 'memory', access: 'public' }),
};
