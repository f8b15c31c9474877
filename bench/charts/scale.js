import { spread } from '../statistics.js';
import { lines } from './lines.js';
import { count, image, range, ratio, table } from './words.js';

export function compact({ subject, sizes, memory }) {
  return {
    subject,
    memory,
    sizes: sizes.map(({ sessions, bytesPerSession, bytesWithoutDirectory, cpu, redisCpu, throughput, ...rest }) => {
      const manyCpu = rest.manyCookies?.cpuUsPerRequest / medianOf(rest.measured.large, 'cpuUsPerRequest');
      const many = rest.manyCookies ? { manyCpu } : {};
      return { sessions, bytesPerSession, bytesWithoutDirectory, cpu, redisCpu, throughput, ...many };
    }),
  };
}

const medianOf = (rounds, figure) => spread(rounds.map((round) => round[figure])).median;

export function render({ subject, sizes, memory }) {
  const title = 'A request, while Redis fills up: CPU as a multiple of that at the smallest size';
  const series = [
    ['the application', 'cpu'],
    ['Redis', 'redisCpu'],
  ].map(([name, figure]) => ({
    name,
    points: sizes.map((size) => ({ x: size.sessions, y: size[figure].median })),
  }));
  const chart = lines({
    title,
    description: `Medians, measured with nest-oidc: ${subject}.`,
    series,
    xLabel: 'sessions in Redis',
    formatX: count,
    formatY: ratio,
  });
  return { text: [image('scale', title), tableOf(sizes), wordsOn(memory)].join('\n\n'), charts: { scale: chart } };
}

function tableOf(sizes) {
  const columns = ['sessions', 'throughput', 'CPU', 'CPU of Redis', 'CPU, none opened lately', 'bytes each'];
  return table(
    [...columns, 'bytes with the directory'],
    sizes.map(({ sessions, throughput, cpu, redisCpu, manyCpu, bytesPerSession, bytesWithoutDirectory }) => [
      count(sessions),
      range(throughput, ratio),
      range(cpu, ratio),
      range(redisCpu, ratio),
      manyCpu === undefined ? '–' : ratio(manyCpu),
      count(Math.round(bytesWithoutDirectory)),
      count(Math.round(bytesPerSession)),
    ]),
  );
}

const wordsOn = ({ sessions, bytesPerSession, bytesInDirectory }) =>
  `In the memory store, with ${count(sessions)} sessions: ${count(Math.round(bytesPerSession.total))} bytes each, and ` +
  `${count(Math.round(bytesInDirectory.total))} more for its entries in the directory.`;
