import { chart, line, round, text, WIDTH } from './svg.js';

const AREA = { left: 80, right: WIDTH - 50, top: 60, bottom: 290 };
const STEPS = 4;

/**
 * Lines through points, pairs of `x` and `y`; three lines at most. Steps of the axis below are multiples, unless it
 * `isLinear`; `ticks` are where it is labelled: at every point, if nothing else is said.
 */
export function lines({ title, description, series, xLabel, isLinear = false, ticks, formatX, formatY }) {
  const points = series.flatMap((one) => one.points);
  const xs = ticks ?? [...new Set(points.map(({ x }) => x))].sort((one, other) => one - other);
  const step = roundStep(Math.max(...points.map(({ y }) => y)) / STEPS);
  const scaled = isLinear ? Number : Math.log;
  const [first, last] = [scaled(xs[0]), scaled(xs.at(-1))];
  const across = (x) => place(last === first ? 0.5 : (scaled(x) - first) / (last - first), AREA.left, AREA.right);
  const up = (y) => place(y / (step * STEPS), AREA.bottom, AREA.top);
  const grid = Array.from({ length: STEPS + 1 }, (_, index) => {
    const value = step * index;
    return [
      line({ x1: AREA.left, y1: up(value), x2: AREA.right, y2: up(value), style: 'axis' }),
      text({ x: AREA.left - 8, y: up(value) + 4, content: formatY(value), style: 'quiet', anchor: 'end' }),
    ];
  });
  const labels = xs.map((x) =>
    text({ x: across(x), y: AREA.bottom + 20, content: formatX(x), style: 'quiet', anchor: 'middle' }),
  );
  const drawn = series.map((one, index) => path(one.points, index, across, up));
  const names = series.map(({ name }, index) => legend(name, index));
  const spoken = series.map(
    ({ name, points: own }) => `${name}: ${own.map(({ x, y }) => `${formatY(y)} at ${formatX(x)}`).join(', ')}`,
  );
  return chart({
    title,
    description: `${description} ${spoken.join('; ')}.`,
    height: AREA.bottom + 56 + 22 * series.length,
    body: [
      ...grid.flat(),
      ...labels,
      text({ x: (AREA.left + AREA.right) / 2, y: AREA.bottom + 40, content: xLabel, style: 'quiet', anchor: 'middle' }),
      ...drawn.flat(),
      ...names.flat(),
    ],
  });
}

/** The next step that is easy to read, so that the lines have room. */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least || 1));
  return power * [1, 2, 2.5, 3, 4, 5, 10].find((factor) => factor * power > least);
}

const place = (part, from, to) => from + (to - from) * part;

function path(points, index, across, up) {
  const places = points.map(({ x, y }) => [round(across(x)), round(up(y))]);
  return [
    `<polyline class="line line-${index}" points="${places.join(' ')}"/>`,
    ...places.map(([cx, cy]) => `<circle class="dot-${index}" cx="${cx}" cy="${cy}" r="3.5"/>`),
  ];
}

function legend(name, index) {
  const y = AREA.bottom + 62 + 22 * index;
  return [
    `<line class="line line-${index}" x1="${AREA.left}" y1="${y}" x2="${AREA.left + 34}" y2="${y}"/>`,
    text({ x: AREA.left + 44, y: y + 4, content: name }),
  ];
}
