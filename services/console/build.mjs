// Puts the pages and hls.js together in dist/, which the metadata daemon serves (VORA_CONSOLE_DIR). Plain copying.
import { cp, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await rm(here('dist'), { recursive: true, force: true });
await mkdir(here('dist/assets'), { recursive: true });
await cp(here('pages'), here('dist'), { recursive: true });
await cp(here('assets'), here('dist/assets'), { recursive: true });
await cp(here('node_modules/hls.js/dist/hls.min.js'), here('dist/assets/hls.min.js'));
await cp(here('node_modules/hls.js/LICENSE'), here('dist/assets/hls.LICENSE.txt'));
console.log('console built in dist/');
