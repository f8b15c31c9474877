import { freePort } from '../../test/support/free-port.js';
import { startProvider } from '../start/provider.js';
import { timeToAnswer } from '../start/time-to-answer.js';
import { median, spread } from '../statistics.js';
import { target } from '../target.js';

/** A start is short: this many for each round of the other scenarios. */
const STARTS_PER_ROUND = 4;

/** From the start of the process to the first answer: bare Nest, ours, and ours while the provider is down, in turn. */
export async function start({ rounds, progress }) {
  const provider = await startProvider();
  const down = `https://127.0.0.1:${await freePort()}`;
  const subjects = {
    bare: { entry: 'bare.js', env: provider.env },
    ours: { entry: 'ours.js', env: { ...provider.env, ISSUER: provider.issuer } },
    'provider down': { entry: 'ours.js', env: { ...provider.env, ISSUER: down } },
  };
  const measured = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  try {
    // The first start reads everything from disk.
    for (const subject of Object.values(subjects)) await timeToAnswer(subject);
    for (let count = 1; count <= rounds * STARTS_PER_ROUND; count += 1) {
      for (const [name, subject] of Object.entries(subjects)) measured[name].push(await timeToAnswer(subject));
      progress(`start ${count}/${rounds * STARTS_PER_ROUND}  ${describe(measured)}`);
    }
  } finally {
    await provider.stop();
  }
  return { ...comparisonOf(measured), providerRequests: provider.requests, measured };
}

function comparisonOf({ bare, ours, 'provider down': down }) {
  const ratios = { start: ratio(ours, bare, 'ms'), cpu: ratio(ours, bare, 'cpuMs') };
  return {
    targets: [
      target({ what: 'start, over bare Nest on Express', atMost: 30, measured: added(ours, bare), unit: 'ms' }),
      target({ what: 'start, provider down', of: 'provider up', atMost: 1.05, measured: ratio(down, ours, 'ms') }),
    ],
    ratios,
  };
}

/** The median of the differences would be that of the machine's moods: the difference of the medians is steadier. */
function added(ours, bare) {
  const differences = spread(ours.map(({ ms }, index) => ms - bare[index].ms));
  return { ...differences, median: medianOf(ours, 'ms') - medianOf(bare, 'ms') };
}

function ratio(one, other, figure) {
  const ratios = spread(one.map((values, index) => values[figure] / other[index][figure]));
  return { ...ratios, median: medianOf(one, figure) / medianOf(other, figure) };
}

const medianOf = (starts, figure) => median(starts.map((values) => values[figure]));

function describe(measured) {
  return Object.entries(measured)
    .map(([name, starts]) => `${name} ${starts.at(-1).ms.toFixed(0)} ms (CPU ${starts.at(-1).cpuMs.toFixed(0)} ms)`)
    .join('  ');
}
