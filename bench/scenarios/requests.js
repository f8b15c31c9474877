import { compare } from '../compare.js';
import { throughputTargets } from '../target.js';

/**
 * What a request with a good session may cost: at least this part of the throughput of the other subject. Three
 * guards are no target, but what any guard is measured by: one does nothing, one lets requests go on together that came in
 * together, one looks the user up in a `Map`.
 *
 * All requests are of one session, and those that come in together share a command. What a request costs that has its
 * session to itself, `many` measures.
 */
const COMPARISONS = [
  { subject: 'express redis', against: 'express floor', atLeast: 0.95, mostCommands: 1 },
  { subject: 'fastify redis', against: 'fastify floor', atLeast: 0.9, mostCommands: 1 },
  { subject: 'fastify cached', against: 'fastify bare', atLeast: 0.85, commands: 0 },
  { subject: 'express memory', against: 'express bare', atLeast: 0.95, commands: 0 },
  { subject: 'fastify memory', against: 'fastify bare', atLeast: 0.9, commands: 0 },
  { subject: 'express public', against: 'express bare', atLeast: 0.98, commands: 0 },
  { subject: 'fastify public', against: 'fastify bare', atLeast: 0.98, commands: 0 },
  { subject: 'express guard', against: 'express bare' },
  { subject: 'fastify guard', against: 'fastify bare' },
  { subject: 'express cohort', against: 'express bare' },
  { subject: 'fastify cohort', against: 'fastify bare' },
  { subject: 'express lookup', against: 'express bare' },
  { subject: 'fastify lookup', against: 'fastify bare' },
];

/** A request with a good session. `only` leaves subjects out whose name does not contain it. */
export async function requests({ redis, only, rounds, seconds, progress }) {
  const comparisons = COMPARISONS.filter(({ subject }) => subject.includes(only));
  const { measured, ratios } = await compare({ redis, comparisons, rounds, seconds, progress });
  return { targets: throughputTargets(ratios), ratios, measured };
}
