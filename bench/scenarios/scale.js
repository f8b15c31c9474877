import { Child } from '../child.js';
import { startRedis } from '../redis.js';
import { actionCosts } from '../scale/actions.js';
import { grow } from '../scale/grow.js';
import { randomRequests } from '../scale/random-requests.js';
import { simulateAll } from '../scale/simulation.js';
import { spread } from '../statistics.js';
import { SubjectProcess } from '../subject-process.js';
import { target } from '../target.js';

const SUBJECT = 'fastify redis';
const LARGEST = Number(process.env.BENCH_SCALE_SESSIONS ?? 1_000_000);
const SIZES = [1000, 10_000, 100_000, 1_000_000].filter((size) => size <= LARGEST);
const IN_MEMORY = Math.min(100_000, LARGEST);
const MEMORY = new URL('../scale/memory.js', import.meta.url);

/** The same for every size: fewer than a process keeps opened. */
const COOKIES = 1000;

/**
 * From a thousand to a million sessions in Redis, with requests to sessions at random. A Redis that stays at a thousand is
 * measured in turn with the one that grows. BENCH_SCALE_SESSIONS sets another end.
 */
export async function scale({ redis, rounds, seconds, progress }) {
  const memory = await inMemory();
  progress(`memory store: ${Math.round(memory.bytesPerSession.total)} bytes per session`);
  const smallRedis = await startRedis();
  const subjects = [];
  try {
    const { value: small } = await grow({ redis: smallRedis, sizes: [SIZES[0]], progress }).next();
    for (const store of [smallRedis, redis]) subjects.push(await SubjectProcess.start(SUBJECT, store));
    const sizes = [];
    for await (const { cookies, ...occupied } of grow({ redis, sizes: SIZES, progress })) {
      const turns = await inTurn({ subjects, cookies: [small.cookies, some(cookies)], rounds, seconds, progress });
      const manyCookies =
        cookies.length > 5 * COOKIES ? await randomRequests(subjects[1], { cookies, seconds }) : undefined;
      sizes.push({ ...occupied, ...turns, manyCookies });
      progress(describe(sizes.at(-1)));
    }
    return { targets: targetsOf(sizes.at(-1), memory), subject: SUBJECT, sizes, memory, ...(await onPaper(progress)) };
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
    await smallRedis.stop();
  }
}

async function inTurn({ subjects, cookies, rounds, seconds, progress }) {
  const measure = (index, duration) => randomRequests(subjects[index], { cookies: cookies[index], seconds: duration });
  for (const index of [0, 1]) await measure(index, 1);
  const measured = { small: [], large: [] };
  for (let round = 1; round <= rounds; round += 1) {
    measured.small.push(await measure(0, seconds));
    measured.large.push(await measure(1, seconds));
    progress(`round ${round}/${rounds}`);
  }
  const ratio = (figure) => spread(measured.large.map((large, round) => large[figure] / measured.small[round][figure]));
  return {
    cpu: ratio('cpuUsPerRequest'),
    redisCpu: ratio('redisCpuUsPerRequest'),
    throughput: ratio('requestsPerSecond'),
    measured,
  };
}

/** Evenly, out of all. */
function some(cookies) {
  return Array.from({ length: COOKIES }, (_, index) => cookies[Math.floor((index * cookies.length) / COOKIES)]);
}

async function inMemory() {
  const options = { env: { NODE_ENV: 'production' }, execArgv: ['--expose-gc'] };
  const child = await Child.start(MEMORY, [String(IN_MEMORY)], options);
  await child.stop();
  return child.greeting;
}

/** What docs/scale.md works out from: the cost of each action, and when users' tokens are refreshed. */
async function onPaper(progress) {
  const redis = await startRedis();
  try {
    progress('what each action costs Redis');
    const actions = await actionCosts(redis);
    progress('the token requests of a million users in eight hours');
    return { actions, tokenRequests: simulateAll() };
  } finally {
    await redis.stop();
  }
}

function targetsOf({ sessions, cpu, bytesPerSession, bytesWithoutDirectory }, memory) {
  const many = `${sessions.toLocaleString('en')} sessions`;
  return [
    target({
      what: `CPU per request, ${many}`,
      of: `${SIZES[0].toLocaleString('en')} sessions`,
      atMost: 1.1,
      measured: cpu,
    }),
    target({
      what: `a session in Redis, ${many}`,
      atMost: 1843,
      measured: once(bytesWithoutDirectory),
      unit: 'bytes',
    }),
    target({
      what: 'the same, with its entries in the directory',
      atMost: 1843,
      measured: once(bytesPerSession),
      unit: 'bytes',
    }),
    target({
      what: 'a session in the memory store',
      atMost: 1228,
      measured: once(memory.bytesPerSession.total),
      unit: 'bytes',
    }),
  ];
}

/** What is measured once. */
const once = (value) => spread([value]);

function describe({ sessions, cpu, bytesPerSession, bytesWithoutDirectory }) {
  return (
    `${sessions} sessions: ${cpu.median.toFixed(2)} of the CPU per request at ${SIZES[0]}, ` +
    `${Math.round(bytesPerSession)} bytes each, ${Math.round(bytesWithoutDirectory)} without the directory`
  );
}
