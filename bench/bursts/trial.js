/** One burst of the library on a session whose access token is in this state. */
export async function trial(fleet, { state, processes, cookie, count }) {
  const generation = await fleet.askLibrary('age', { cookie, state });
  await fleet.report(processes);
  const answers = await fleet.burst(processes, cookie, count);
  await fleet.askAll(processes, 'settle');
  const refreshes = (await fleet.askLibrary('generation', { cookie })) - generation;
  return { ...(await resultOf(fleet, processes, cookie, answers)), refreshes };
}

/** One burst of what people write by hand. Its users may not survive it, so each is a new one. */
export async function naiveTrial(fleet, { processes, count }) {
  const cookie = await fleet.logIn();
  const tokens = await fleet.askLibrary('tokens', { cookie });
  const value = { cookie, tokens: { ...tokens, expiresAt: Date.now() - 1000 } };
  await processes[0].child.ask({ question: 'seed', value });
  await fleet.report(processes);
  return resultOf(fleet, processes, cookie, await fleet.burst(processes, cookie, count));
}

async function resultOf(fleet, processes, cookie, { ms, failed }) {
  const { seen, durations } = await fleet.report(processes);
  const { failed: afterwards } = await fleet.burst(processes, cookie, 1);
  return {
    p50: percentile(ms, 0.5),
    p95: percentile(ms, 0.95),
    slowest: Math.max(...ms),
    tokenRequests: seen.tokenRequests,
    reused: seen.reused,
    /** The first token request, as the provider and as the application measured it. */
    providerMs: seen.ms[0],
    tokenRequestMs: durations[0],
    failed,
    isLoggedOut: afterwards > 0,
  };
}

function percentile(values, part) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * part) - 1];
}
