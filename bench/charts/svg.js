/**
 * Plain SVG charts: readable in light and dark, on a background of their own, with a title and a description for those who
 * do not see them.
 */
const STYLE = `
  .paper { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .title, .group { font-weight: 600 }
  .quiet { fill: #59636e }
  .bar { fill: #8c959f }
  .ours { fill: #5b9bea }
  .axis { stroke: #d0d7de }
  .range { stroke: #1f2328; stroke-width: 1.5 }
  .line { fill: none; stroke-width: 2 }
  .line-0 { stroke: #0b62c4 } .line-1 { stroke: #b35900; stroke-dasharray: 6 3 } .line-2 { stroke: #1a7f37; stroke-dasharray: 2 3 }
  .dot-0 { fill: #0b62c4 } .dot-1 { fill: #b35900 } .dot-2 { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #161618; stroke: #3d444d }
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
    .bar { fill: #6e7681 }
    .ours { fill: #2f6fd0 }
    .axis { stroke: #3d444d }
    .range { stroke: #e6edf3 }
    .line-0 { stroke: #58a6ff } .line-1 { stroke: #e09b4f } .line-2 { stroke: #56d364 }
    .dot-0 { fill: #58a6ff } .dot-1 { fill: #e09b4f } .dot-2 { fill: #56d364 }
  }`;

export const WIDTH = 720;

/** A whole chart: `body` is drawn on a paper of this height, below the title. */
export function chart({ title, description, height, body }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>${STYLE}
</style>
<rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
${text({ x: 20, y: 30, content: title, style: 'title' })}
${body.join('\n')}
</svg>
`;
}

export const text = ({ x, y, content, style = '', anchor = 'start' }) =>
  `<text x="${round(x)}" y="${round(y)}" class="${style}" text-anchor="${anchor}">${escaped(content)}</text>`;

export const line = ({ x1, y1, x2, y2, style }) =>
  `<line class="${style}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;

export const round = (value) => Math.round(value * 10) / 10;

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (content) => String(content).replace(/[&<>"]/gu, (character) => ENTITIES[character]);
