// Each process has a colour, in the order in which they are first seen.

const COLOURS = 5;
const seen = [];

/** @param {HTMLElement} badge @param {string} name */
export function showProcess(badge, name) {
  if (!seen.includes(name)) seen.push(name);
  badge.textContent = name;
  badge.dataset.colour = String(seen.indexOf(name) % COLOURS);
}

for (const badge of document.querySelectorAll('[data-process]')) showProcess(badge, badge.textContent);
