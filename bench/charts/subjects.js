import { spread } from '../statistics.js';
import { bars } from './bars.js';
import { count, image, mb, ms, percent, range, ratio, table } from './words.js';

const FIGURES = [
  'requestsPerSecond',
  'commandsPerRequest',
  'redisBytesInPerRequest',
  'redisBytesOutPerRequest',
  'cookieBytes',
  'p50Us',
  'p95Us',
  'p99Us',
  'rssBytes',
  'heapUsedBytes',
];

/** Throughput and CPU of each subject as a part of its bare framework's, round by round; medians of its other figures. */
export function compactSubjects({ measured }) {
  const subjects = Object.entries(measured).map(([name, rounds]) => {
    const bare = measured[bareOf(name)];
    return Object.fromEntries([['name', name], ...Object.entries(relativeTo(bare, rounds)), ...mediansOf(rounds)]);
  });
  return { subjects: subjects.sort((one, other) => order(one.name) - order(other.name)) };
}

/** Nothing, where the other was left out. CPU is that of a request: more is worse. */
export function relativeTo(other, rounds) {
  if (!other) return {};
  const ratios = (figure) => spread(rounds.map((round, index) => round[figure] / other[index][figure]));
  return { throughput: ratios('requestsPerSecond'), cpu: ratios('cpuUsPerRequest') };
}

const mediansOf = (rounds) =>
  FIGURES.filter((figure) => figure in rounds[0]).map((figure) => [
    figure,
    spread(rounds.map((round) => round[figure])).median,
  ]);

function bareOf(name) {
  if (name.startsWith('fastify')) return 'fastify bare';
  return /^(?:node|hono)\b/u.test(name) ? 'node http' : 'express bare';
}

const GROUPS = { 'express bare': 'On Express', 'fastify bare': 'On Fastify', 'node http': 'On node:http' };

const KINDS = [
  / bare$|^node http$/u,
  / guard$/u,
  / lookup$/u,
  / cohort$/u,
  / floor/u,
  / hand-written/u,
  /^(?:express|fastify) /u,
  /./u,
];

/** By framework; what the others are compared with comes first. */
function order(name) {
  const framework = Object.keys(GROUPS).indexOf(bareOf(name));
  return framework * KINDS.length + KINDS.findIndex((pattern) => pattern.test(name));
}

const COLUMNS = [
  ['throughput', ({ throughput }) => throughput && range(throughput, ratio)],
  ['CPU', ({ cpu }) => cpu && range(cpu, ratio)],
  ['requests/s', ({ requestsPerSecond }) => hundreds(requestsPerSecond)],
  ['p50', ({ p50Us }) => milliseconds(p50Us)],
  ['p95', ({ p95Us }) => milliseconds(p95Us)],
  ['p99', ({ p99Us }) => milliseconds(p99Us)],
  ['Redis commands', ({ commandsPerRequest }) => commandsPerRequest?.toFixed(1)],
  ['Redis bytes in', ({ redisBytesInPerRequest }) => whole(redisBytesInPerRequest)],
  ['Redis bytes out', ({ redisBytesOutPerRequest }) => whole(redisBytesOutPerRequest)],
  ['cookie bytes', ({ cookieBytes }) => whole(cookieBytes)],
  ['memory', ({ rssBytes }) => rssBytes && mb(rssBytes)],
  ['heap', ({ heapUsedBytes }) => heapUsedBytes && mb(heapUsedBytes)],
];

const milliseconds = (us) => us && ms(us / 1000);
const whole = (value) => value !== undefined && count(Math.round(value));
const hundreds = (value) => count(Math.round(value / 100) * 100);

/** A column that no subject has a figure for is left out. */
export function subjectsTable(subjects) {
  const rows = subjects.map((subject) => COLUMNS.map(([, cell]) => cell(subject) || '–'));
  const kept = COLUMNS.map((_, index) => rows.some((row) => row[index] !== '–'));
  const used = (cells) => cells.filter((_, index) => kept[index]);
  return table(
    ['subject', ...used(COLUMNS.map(([name]) => name))],
    subjects.map(({ name }, index) => [labelOf(name), ...used(rows[index])]),
  );
}

/** Throughput as a part of the bare framework's, a group for each framework; and the table. `name` is the file's. */
export function renderSubjects({ name, title, subjects }) {
  const shown = subjects.filter(({ throughput }) => throughput);
  const figures = subjectsTable(subjects);
  if (shown.length === 0) return { text: figures, charts: {} };
  const groups = Object.entries(GROUPS)
    .map(([bare, heading]) => ({ name: heading, bars: shown.filter((one) => bareOf(one.name) === bare).map(bar) }))
    .filter((group) => group.bars.length > 0);
  const description = 'Bars are medians, lines reach from the least round to the greatest.';
  return { text: `${image(name, title)}\n\n${figures}`, charts: { [name]: bars({ title, description, groups }) } };
}

const bar = ({ name, throughput }) => ({
  label: labelOf(name),
  ...throughput,
  figure: percent(throughput.median),
  isOurs: isOurs(name),
});

export const labelOf = (name) => (isOurs(name) ? `nest-oidc: ${name}` : name);

const isOurs = (name) => /^(?:express|fastify) (?:redis|memory|cached|public)\b/u.test(name);
