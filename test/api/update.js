/** `npm run api:update`: writes down the public types as they are now. */
import { fileURLToPath } from 'node:url';
import { publicApi } from './public-api.js';
import { writeKept } from './kept.js';

await writeKept(publicApi(fileURLToPath(new URL('../../', import.meta.url))));
