import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A helper in a process of its own. It says `{ answer }` when it is ready, and once for each thing that it is asked. */
export class Child {
  static async start(url, args = [], { env = {}, execArgv = [] } = {}) {
    const child = fork(fileURLToPath(url), args, {
      env: { ...process.env, ...env },
      execArgv: ['--disable-warning=ExperimentalWarning', ...execArgv],
    });
    const started = new Child(child);
    started.greeting = await started.answer();
    return started;
  }

  constructor(child) {
    this.child = child;
  }

  ask(question) {
    this.child.send(question);
    return this.answer();
  }

  /** One that dies instead has said why on its standard error. */
  async answer() {
    const settled = new AbortController();
    const answered = once(this.child, 'message', settled);
    const died = once(this.child, 'exit', settled).then(() =>
      Promise.reject(new Error('A helper has ended too early.')),
    );
    try {
      const [{ answer }] = await Promise.race([answered, died]);
      return answer;
    } finally {
      for (const promise of [answered, died]) promise.catch(() => undefined);
      settled.abort();
    }
  }

  async stop() {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}
