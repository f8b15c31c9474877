import { compare } from '../compare.js';
import { throughputTargets } from '../target.js';

/** The first two have the targets of a request (requests.js), where no two of them share a command. */
const COMPARISONS = [
  { subject: 'express redis users', against: 'express floor users', atLeast: 0.95, commands: 1 },
  { subject: 'fastify redis users', against: 'fastify floor users', atLeast: 0.9, commands: 1 },
  { subject: 'express redis many', against: 'express floor many' },
  { subject: 'fastify redis many', against: 'fastify floor many' },
];

/**
 * Requests of many sessions in turn: of 1,000, all of which were opened lately, and of 20,000, so that none is among those
 * that were.
 */
export async function many({ redis, only, rounds, seconds, progress }) {
  const comparisons = COMPARISONS.filter(({ subject }) => subject.includes(only));
  const { measured, ratios } = await compare({ redis, comparisons, rounds, seconds, progress });
  return { targets: throughputTargets(ratios), ratios, measured };
}
