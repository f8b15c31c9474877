import { compare } from '../compare.js';
import { installPeers } from '../peers/install.js';
import { versions } from '../peers/versions.js';
import { throughputTargets } from '../target.js';

/** The first is a target. The others are figures: what is left of the bare framework's throughput. */
const COMPARISONS = [
  { subject: 'express redis', against: 'express hand-written', atLeast: 2, mostCommands: 1 },
  { subject: 'express redis users', against: 'express hand-written users' },
  { subject: 'express redis', against: 'express bare' },
  { subject: 'express floor', against: 'express bare' },
  { subject: 'express hand-written', against: 'express bare' },
  { subject: 'express-openid-connect cookie', against: 'express bare' },
  { subject: 'express-openid-connect redis', against: 'express bare' },
  { subject: 'iron-session', against: 'express bare' },
  { subject: 'better-auth redis', against: 'express bare' },
  { subject: 'fastify redis', against: 'fastify bare' },
  { subject: 'fastify floor', against: 'fastify bare' },
  { subject: 'hono oidc-auth', against: 'node http' },
];

/** A request with a good session, here and in what others have built. */
export async function peers({ redis, only, rounds, seconds, progress }) {
  await installPeers(progress);
  const comparisons = COMPARISONS.filter(({ subject }) => subject.includes(only));
  const { measured, ratios } = await compare({ redis, comparisons, rounds, seconds, progress });
  return { targets: throughputTargets(ratios), versions: await versions(), ratios, measured };
}
