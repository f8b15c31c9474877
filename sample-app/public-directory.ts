import { fileURLToPath } from 'node:url';

/** Styles and scripts, as browsers get them. The build leaves them where they are. */
export const PUBLIC_DIRECTORY = fileURLToPath(new URL('../public', import.meta.url));
