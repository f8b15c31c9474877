import { lines } from './lines.js';
import { count, image, table } from './words.js';

export function compact({ stores }) {
  return {
    stores: stores.map(({ checkpoints, ...counts }) => ({
      ...counts,
      checkpoints: checkpoints.map(({ requests, heapUsed, external, rss }) => ({
        requests,
        heap: heapUsed + external,
        rss,
      })),
    })),
  };
}

export function render({ stores }) {
  const title = 'Heap after a forced collection';
  const all = stores.flatMap(({ checkpoints }) => checkpoints.map(({ requests }) => requests));
  const last = Math.max(...all);
  const chart = lines({
    title,
    description: 'In MB, with what the heap holds outside of it.',
    series: stores.map(({ store, checkpoints }) => ({
      name: `${store} store`,
      points: checkpoints.map(({ requests, heap }) => ({ x: requests, y: heap / 1e6 })),
    })),
    xLabel: 'requests',
    isLinear: true,
    ticks: [0, last / 2, last],
    formatX: (requests) => (requests < 1e6 ? count(Math.round(requests)) : `${(requests / 1e6).toFixed(1)} million`),
    formatY: (megabytes) => `${megabytes.toFixed(1)} MB`,
  });
  const rows = stores.map(({ store, checkpoints, logins, refreshes, logouts, reusedRefreshTokens }) => [
    store,
    ...[checkpoints.at(-1).requests, logins, refreshes, logouts, reusedRefreshTokens].map(count),
  ]);
  const columns = ['store', 'requests', 'logins', 'refreshes', 'logouts', 'refresh tokens used twice'];
  return { text: [image('soak', title), table(columns, rows)].join('\n\n'), charts: { soak: chart } };
}
