// How long access token and session last yet.

const element = (id) => document.getElementById(id);

/** Counts down between answers of the server, which says how many seconds are left. */
class Gauge {
  constructor(id) {
    this.figure = element(`${id}-left`);
    this.bar = element(`${id}-bar`);
    this.note = element(`${id}-note`);
    this.longest = 0;
    this.set(Number.parseFloat(this.figure.dataset.seconds ?? ''));
  }

  get left() {
    return Math.max(0, this.seconds - (performance.now() - this.setAt) / 1000);
  }

  set(seconds) {
    if (!Number.isFinite(seconds)) return;
    this.seconds = seconds;
    this.setAt = performance.now();
    this.longest = Math.max(this.longest, seconds);
    this.show();
  }

  show() {
    if (this.setAt === undefined) return;
    const { left } = this;
    this.figure.textContent = left > 0 ? spanOf(left) : 'expired';
    this.figure.classList.toggle('over', left === 0);
    this.bar.value = this.longest === 0 ? 0 : left / this.longest;
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = false;
  }
}

function spanOf(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : `${rest} s`;
}

export const token = new Gauge('token');
export const session = new Gauge('session');

setInterval(() => [token, session].forEach((gauge) => gauge.show()), 250);
