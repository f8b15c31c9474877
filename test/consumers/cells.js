import { CURRENT_NODE } from './node-versions.js';

export const MAJORS = [11, 12];
export const SYSTEMS = ['esm', 'commonjs'];
const NODES = [20, 22, 24];
const PLATFORMS = ['express', 'fastify'];

/** Every application, on every Node.js. */
export function allCells() {
  return product(MAJORS, SYSTEMS, PLATFORMS, NODES);
}

/** What `npm test` has time for: each major and module system, and once what differs most from the rest. */
export function fewCells() {
  return [...product(MAJORS, SYSTEMS, ['express'], [CURRENT_NODE]), ...product([12], ['commonjs'], ['fastify'], [24])];
}

function product(majors, systems, platforms, nodes) {
  return majors.flatMap((major) =>
    systems.flatMap((system) =>
      platforms.flatMap((platform) => nodes.map((node) => ({ major, system, platform, node }))),
    ),
  );
}

/** Those that are the same code, and so are written and compiled once. */
export function groupByApplication(cells) {
  const groups = new Map();
  for (const cell of cells) {
    const name = `${cell.major}-${cell.system}-${cell.platform}`;
    groups.set(name, [...(groups.get(name) ?? []), cell]);
  }
  return [...groups.values()];
}
