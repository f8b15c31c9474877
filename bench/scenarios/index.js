import { alone } from './alone.js';
import { bursts } from './bursts.js';
import { coherence } from './coherence.js';
import { many } from './many.js';
import { peers } from './peers.js';
import { processes } from './processes.js';
import { requests } from './requests.js';
import { scale } from './scale.js';
import { soak } from './soak.js';
import { start } from './start.js';

/**
 * What can be measured, by name. Each is given Redis, its options (run.js) and a function that shows progress, and answers
 * with its targets (target.js) and its figures.
 */
export const scenarios = { requests, alone, many, peers, bursts, scale, processes, coherence, start, soak };
