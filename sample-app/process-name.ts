import cluster from 'node:cluster';

/** What this process is called beside others that serve the same app. */
export const PROCESS_NAME = `Process ${cluster.worker?.id ?? process.pid}`;
