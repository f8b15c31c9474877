import { chart, line, round, text, WIDTH } from './svg.js';

const [ROW, GAP, TOP] = [26, 14, 50];
const CHARACTER = 7.2; // the width of one, about

/**
 * Horizontal bars in groups. Each has a `label`, its spread (`median`, `min`, `max`) and how that reads (`figure`). `isOurs`
 * sets it off from the others, by its colour and by nothing that a reader of the text would miss.
 */
export function bars({ title, description, groups }) {
  const all = groups.flatMap((group) => group.bars);
  const left = 30 + Math.max(...all.map(({ label }) => label.length)) * CHARACTER;
  const greatest = Math.max(...all.map(({ max }) => max));
  const right = 30 + Math.max(...all.map(({ figure }) => figure.length)) * CHARACTER;
  const scale = (value) => (value / greatest) * (WIDTH - left - right);
  let y = TOP;
  const body = groups.flatMap(({ name, bars: members }) => {
    const heading = name ? [text({ x: 20, y: y + 14, content: name, style: 'group' })] : [];
    y += name ? ROW : 0;
    const drawn = members.flatMap((member) => {
      const shapes = bar({ ...member, y, left, scale });
      y += ROW;
      return shapes;
    });
    y += GAP;
    return [...heading, ...drawn];
  });
  const spoken = all.map(({ label, figure }) => `${label}: ${figure}`).join('; ');
  return chart({ title, description: `${description} ${spoken}.`, height: y + 6, body });
}

function bar({ label, median, min, max, figure, isOurs, y, left, scale }) {
  const middle = y + ROW / 2 - 4;
  return [
    text({ x: left - 10, y: middle + 4, content: label, anchor: 'end' }),
    `<rect class="${isOurs ? 'ours' : 'bar'}" x="${round(left)}" y="${y}" width="${round(Math.max(scale(median), 1))}" height="${ROW - 8}" rx="2"/>`,
    line({ x1: left + scale(min), y1: middle, x2: left + scale(max), y2: middle, style: 'range' }),
    text({ x: left + scale(max) + 8, y: middle + 4, content: figure, style: 'quiet' }),
  ];
}
