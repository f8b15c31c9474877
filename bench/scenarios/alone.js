import { compare } from '../compare.js';

const COMPARISONS = [
  { subject: 'express memory', against: 'express bare' },
  { subject: 'fastify cohort', against: 'fastify bare' },
  { subject: 'fastify memory', against: 'fastify bare' },
  { subject: 'fastify redis', against: 'fastify floor' },
];

/** One request after the other over one connection, so that none comes in together with another. */
export async function alone({ redis, only, rounds, seconds, progress }) {
  const comparisons = COMPARISONS.filter(({ subject }) => subject.includes(only));
  return { targets: [], ...(await compare({ redis, comparisons, rounds, seconds, connections: 1, progress })) };
}
