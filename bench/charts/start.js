import { spread } from '../statistics.js';
import { bars } from './bars.js';
import { image, ms, range, table } from './words.js';

const LABELS = { bare: 'bare Nest on Express', ours: 'nest-oidc', 'provider down': 'nest-oidc, provider down' };

export function compact({ measured }) {
  return {
    starts: Object.entries(measured).map(([name, starts]) => ({
      name,
      ms: spread(starts.map((start) => start.ms)),
      cpuMs: spread(starts.map((start) => start.cpuMs)),
    })),
  };
}

export function render({ starts }) {
  const title = 'From the start of the process to the first answer';
  const members = starts.map(({ name, ms: time }) => ({
    label: LABELS[name] ?? name,
    ...time,
    figure: ms(time.median),
    isOurs: name !== 'bare',
  }));
  const description = 'Bars are medians, lines reach from the fastest start to the slowest.';
  const rows = starts.map(({ name, ms: time, cpuMs }) => [LABELS[name] ?? name, range(time, ms), range(cpuMs, ms)]);
  return {
    text: [image('start', title), table(['application', 'time', 'CPU time'], rows)].join('\n\n'),
    charts: { start: bars({ title, description, groups: [{ bars: members }] }) },
  };
}
