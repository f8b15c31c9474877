import { compare } from '../compare.js';

const COMPARISONS = [
  { subject: 'express redis many', against: 'express floor many' },
  { subject: 'fastify redis many', against: 'fastify floor many' },
  { subject: 'express redis', against: 'express floor' },
  { subject: 'fastify redis', against: 'fastify floor' },
];

/** Requests of 20,000 sessions in turn, so that none is among those that were opened lately; and of one, beside it. */
export async function many({ redis, only, rounds, seconds, progress }) {
  const comparisons = COMPARISONS.filter(({ subject }) => subject.includes(only));
  return { targets: [], ...(await compare({ redis, comparisons, rounds, seconds, progress })) };
}
