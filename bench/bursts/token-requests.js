const durations = [];
const send = globalThis.fetch;

// How long token requests take as this process sees it.
globalThis.fetch = async (...args) => {
  const startedAt = performance.now();
  try {
    return await send(...args);
  } finally {
    if (String(args[0]).endsWith('/token')) durations.push(performance.now() - startedAt);
  }
};

/** How long each token request took since this was last asked. Milliseconds. */
export const tokenRequests = () => durations.splice(0);
