import { count, ms, range, table } from './words.js';

export const compact = ({ coherence }) => ({ coherence });

export function render({ coherence }) {
  const columns = ['on one process', 'trials', 'seen on the other after', 'the past was shown for', 'came back'];
  const rows = coherence.map((figures) => [
    figures.action,
    count(figures.trials),
    range(figures.seenMs, ms),
    range(figures.staleMs, ms),
    count(figures.relapses),
    count(figures.disturbedTrials),
    count(figures.disturbedWrong),
    count(figures.disturbedUnavailable),
  ]);
  return { text: table([...columns, 'disturbed trials', 'wrong then', 'unavailable then'], rows), charts: {} };
}
