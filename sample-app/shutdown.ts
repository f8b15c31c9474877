import cluster from 'node:cluster';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Longer than any request or refresh may take. */
const LONGEST_SHUTDOWN_MS = 30_000;

/** Closes and exits with 0 when asked to end. A second signal does not wait. */
export function exitOnSignal(close: () => Promise<void>): void {
  const onSignal = (asked: NodeJS.Signals): void => {
    // Ctrl+C reaches every process of a terminal: the one that has started this one will ask it to end.
    if (asked === 'SIGINT' && cluster.isWorker) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
    setTimeout(
      () => fail(new Error(`not closed after ${LONGEST_SHUTDOWN_MS / 1000} seconds`)),
      LONGEST_SHUTDOWN_MS,
    ).unref();
    close().then(() => process.exit(0), fail);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function fail(error: unknown): void {
  console.error('The app did not close cleanly:', error);
  process.exit(1);
}
