// When the session has ended, nothing of it stays on the screen.

let ended = false;

export const hasEnded = () => ended;

export function endSession() {
  if (ended) return;
  ended = true;
  const notice = document.getElementById('session-ended').content.cloneNode(true);
  document.querySelector('.actions').replaceChildren();
  document.getElementById('main').replaceChildren(notice);
  document.querySelector('#main h1').focus();
}
