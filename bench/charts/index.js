import * as bursts from './bursts.js';
import * as coherence from './coherence.js';
import * as comparisons from './comparisons.js';
import * as peers from './peers.js';
import * as processes from './processes.js';
import * as requests from './requests.js';
import * as scale from './scale.js';
import * as soak from './soak.js';
import * as start from './start.js';

/**
 * How the figures of a scenario are shown, by its name: `compact(result)` picks what is published of them,
 * `render(published)` answers with Markdown (`text`) and SVG files by name (`charts`). A scenario that is not here is shown
 * by its targets. The page shows what it has a place for.
 */
export const renderers = {
  alone: comparisons,
  bursts,
  coherence,
  many: comparisons,
  peers,
  processes,
  requests,
  scale,
  soak,
  start,
};
