import { spread } from '../statistics.js';
import { bars } from './bars.js';
import { count, image, mb, ms, percent, range, ratio, table } from './words.js';

/** Throughput and CPU of each subject as a part of its bare framework's, round by round; its other figures as spreads. */
export function compactSubjects({ measured }) {
  const subjects = Object.entries(measured).map(([name, rounds]) => {
    const bare = measured[bareOf(name)];
    return Object.fromEntries([
      ['name', name],
      ['throughput', relative(rounds, bare, 'requestsPerSecond')],
      ['cpu', relative(rounds, bare, 'cpuUsPerRequest')],
      ...figuresOf(rounds),
    ]);
  });
  return { subjects: subjects.sort((one, other) => order(one.name) - order(other.name)) };
}

const figuresOf = (rounds) =>
  Object.entries(rounds[0])
    .filter(([, value]) => typeof value === 'number')
    .map(([figure]) => [figure, spread(rounds.map((round) => round[figure]))]);

const bareOf = (name) => (name.startsWith('fastify') ? 'fastify bare' : 'express bare');

/** Nothing, where the bare framework was left out. */
const relative = (rounds, bare, figure) =>
  bare && spread(rounds.map((round, index) => round[figure] / bare[index][figure]));

/** What the others are compared with comes first. */
const order = (name) => (name.endsWith('bare') ? 0 : name.endsWith('floor') ? 1 : 2);

const COLUMNS = [
  ['throughput', ({ throughput }) => range(throughput, ratio)],
  ['CPU', ({ cpu }) => range(cpu, ratio)],
  ['p50', (subject) => milliseconds(subject.p50Us)],
  ['p95', (subject) => milliseconds(subject.p95Us)],
  ['p99', (subject) => milliseconds(subject.p99Us)],
  ['Redis commands', ({ commandsPerRequest }) => commandsPerRequest && count(commandsPerRequest.median)],
  ['Redis bytes', ({ redisBytesPerRequest }) => redisBytesPerRequest && count(redisBytesPerRequest.median)],
  ['memory', ({ rssBytes }) => rssBytes && mb(rssBytes.median)],
  ['heap', ({ heapBytes }) => heapBytes && mb(heapBytes.median)],
];

const milliseconds = (spreadUs) => spreadUs && ms(spreadUs.median / 1000);

/** A column that no subject has a figure for is left out. */
export function subjectsTable(subjects) {
  const rows = subjects.map((subject) => COLUMNS.map(([, cell]) => cell(subject) ?? '–'));
  const kept = COLUMNS.map((_, index) => rows.some((row) => row[index] !== '–'));
  const used = (cells) => cells.filter((_, index) => kept[index]);
  return table(
    ['subject', ...used(COLUMNS.map(([name]) => name))],
    subjects.map(({ name }, index) => [labelOf(name), ...used(rows[index])]),
  );
}

/** Throughput as a part of the bare framework's, a group for each framework. `name` is the file's. */
export function subjectsChart({ name, title, subjects, groupOf }) {
  const shown = subjects.filter(({ throughput }) => throughput);
  if (shown.length === 0) return { text: '', charts: {} };
  const groups = [...new Set(shown.map(groupOf))].map((group) => ({
    name: group,
    bars: shown.filter((subject) => groupOf(subject) === group).map(bar),
  }));
  const description = 'Bars are medians, lines reach from the least round to the greatest.';
  return { text: image(name, title), charts: { [name]: bars({ title, description, groups }) } };
}

const bar = ({ name, throughput }) => ({
  label: labelOf(name),
  ...throughput,
  figure: percent(throughput.median),
  isOurs: isOurs(name),
});

export const labelOf = (name) => (isOurs(name) ? `nest-oidc: ${name}` : name);

export const isOurs = (name) => /^(?:express|fastify) (?:redis|memory|cache|public)/u.test(name);
