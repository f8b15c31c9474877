import * as requests from './requests.js';

/**
 * How the figures of a scenario are shown, by its name: `compact(result)` picks what is published of them,
 * `render(published)` answers with Markdown (`text`) and SVG files by name (`charts`). A scenario that is not here is shown
 * by its targets. The page shows what it has a place for.
 */
export const renderers = { requests };
