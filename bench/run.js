// npm run bench: measures, prints the table of targets, writes bench/results/*.json. `-- --only express`, `-- --rounds 5`,
// `-- --seconds 5`.
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { startRedis } from './redis.js';
import { measureRequests, TARGETS } from './requests.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
  },
});

const redis = await startRedis();
try {
  const targets = TARGETS.filter(({ subject }) => subject.includes(values.only));
  const result = await measureRequests({
    redis,
    targets,
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    progress: console.log,
  });
  print(result.targets);
  await save({ machine: await machine(), ...result });
  process.exitCode = result.targets.every(({ met }) => met) ? 0 : 1;
} finally {
  await redis.stop();
}

function print(targets) {
  console.table(
    targets.map(({ subject, against, atLeast, throughput, cpu, commandsPerRequest, met }) => ({
      subject,
      against,
      target: atLeast,
      throughput: range(throughput),
      cpu: range(cpu),
      commands: commandsPerRequest.toFixed(2),
      met: met ? 'yes' : 'no',
    })),
  );
}

function range({ median, min, max }) {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

async function machine() {
  const version = /redis_version:(\S+)/u.exec(await redis.client.info('server'))?.[1];
  return {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    redis: version,
  };
}

async function save(result) {
  const directory = new URL('results/', import.meta.url);
  await mkdir(directory, { recursive: true });
  await writeFile(new URL('requests.json', directory), `${JSON.stringify(result, undefined, 2)}\n`);
}
