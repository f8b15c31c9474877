// Runs in a page: its text, each piece with its contrast to what is behind it (WCAG 2.2, 1.4.3), the lowest first.
(() => {
  const probe = document.createElement('i');
  const rgba = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/gu).map(Number);
    return [red, green, blue, alpha];
  };
  const over = ([r, g, b, alpha], [r2, g2, b2]) =>
    [
      [r, r2],
      [g, g2],
      [b, b2],
    ].map(([above, below]) => above * alpha + below * (1 - alpha));
  const luminance = (color) => {
    const [r, g, b] = color.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  document.body.append(probe);
  probe.style.background = 'Canvas';
  const canvas = rgba(getComputedStyle(probe).backgroundColor);
  probe.remove();

  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: element, textContent } = texts.currentNode;
    if (!textContent.trim() || element.closest('script, style, template, noscript')) continue;
    if (element.checkVisibility() === false || element.closest(':disabled, [aria-busy]')) continue;
    const ancestors = [];
    for (let up = element; up; up = up.parentElement) ancestors.push(getComputedStyle(up));
    const behind = ancestors.reduceRight((below, { backgroundColor }) => over(rgba(backgroundColor), below), canvas);
    const opacity = ancestors.reduce((product, style) => product * Number(style.opacity), 1);
    const [red, green, blue, alpha] = rgba(ancestors[0].color);
    const ink = over([red, green, blue, alpha * opacity], behind);
    found.push({ text: textContent.trim().slice(0, 40), contrast: Math.round(ratio(ink, behind) * 100) / 100 });
  }
  return found.sort((one, other) => one.contrast - other.contrast);
})();
