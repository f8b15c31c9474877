// Buttons and links that leave the page say so while the next one is on its way.

/** @param {HTMLElement} control @param {boolean} busy */
export function setBusy(control, busy) {
  control.dataset.text ??= control.textContent ?? '';
  control.textContent = busy ? (control.dataset.busyText ?? '') : control.dataset.text;
  control.toggleAttribute('aria-busy', busy);
  if (control instanceof HTMLButtonElement) control.disabled = busy;
}

const leaving = () => document.querySelectorAll('form[action] button[data-busy-text], a[data-busy-text]');

for (const form of document.querySelectorAll('form[action]')) {
  form.addEventListener('submit', (event) => {
    // After the browser has taken the form's data: a disabled button would not be part of it.
    if (event.submitter?.dataset.busyText) setTimeout(() => setBusy(event.submitter, true));
  });
}

for (const link of document.querySelectorAll('a[data-busy-text]')) {
  link.addEventListener('click', (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) setTimeout(() => setBusy(link, true));
  });
}

addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const control of leaving()) setBusy(control, false);
});
