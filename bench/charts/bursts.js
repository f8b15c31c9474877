import { bars } from './bars.js';
import { count, image, ms, range, table } from './words.js';

const STATES = ['fresh', 'due', 'expired'];

export function compact({ bursts }) {
  return {
    bursts: bursts.map(
      ({ subject, state, count: requests, size, trials, p50, p95, slowest, tokenRequests, ...rest }) => {
        const { failed, loggedOut } = rest;
        return { subject, state, requests, size, trials, p50, p95, slowest, tokenRequests, failed, loggedOut };
      },
    ),
  };
}

export function render({ bursts }) {
  const sorted = [...bursts].sort(
    (one, other) =>
      other.requests - one.requests || other.size - one.size || STATES.indexOf(one.state) - STATES.indexOf(other.state),
  );
  const { requests, size } = sorted[0];
  const largest = sorted.filter((burst) => burst.requests === requests && burst.size === size);
  const title = `${requests} requests at once, ${plural(size, 'process', 'processes')}: 95 % are answered within`;
  const description = 'Bars are medians of all trials, lines reach from the least to the greatest.';
  const chart = bars({ title, description, groups: [{ bars: largest.map(bar) }] });
  return { text: [image('bursts', title), tableOf(sorted)].join('\n\n'), charts: { bursts: chart } };
}

const bar = ({ subject, state, p95, tokenRequests }) => ({
  label: `${subject}, ${state}`,
  ...p95,
  figure: `${ms(p95.median)}, ${plural(tokenRequests.median, 'token request', 'token requests')}`,
  isOurs: subject === 'nest-oidc',
});

const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

function tableOf(bursts) {
  const columns = ['subject', 'token', 'requests', 'processes', 'token requests', 'failed', 'logged out'];
  return table(
    [...columns, 'p50', 'p95', 'slowest'],
    bursts.map(({ subject, state, requests, size, trials, loggedOut, ...measured }) => [
      subject,
      state,
      requests,
      size,
      range(measured.tokenRequests, count),
      range(measured.failed, count),
      `${loggedOut} of ${trials}`,
      range(measured.p50, ms),
      range(measured.p95, ms),
      range(measured.slowest, ms),
    ]),
  );
}
