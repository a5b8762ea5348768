// The first load of a page, without the player, stays below the limit: scripts, styles and HTML that arrive before the page is usable.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const limit = 200 * 1024;
const dist = new URL('../dist/', import.meta.url).pathname;
const sizes = new Map();
for (const name of await readdir(path.join(dist, 'assets'))) {
  if (/\.(js|css)$/.test(name)) sizes.set(`assets/${name}`, gzipSync(await readFile(path.join(dist, 'assets', name))).length);
}
const html = await readFile(path.join(dist, 'index.html'), 'utf8');
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, name]) => name);
const isPlayer = (name) => /(^|\/)(hls|Player)[.-]/i.test(name);
if (first.some(isPlayer)) throw new Error(`the player is part of the first load: ${first.join(', ')}`);
const base = first.reduce((sum, name) => sum + sizes.get(name), gzipSync(html).length);
// A page loads its own chunks on top; the sum of all of them bounds every page.
const all = [...sizes].filter(([name]) => !isPlayer(name)).reduce((sum, [, size]) => sum + size, gzipSync(html).length);
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(`first load ${kib(base)}, with every page ${kib(all)} gzipped (limit ${kib(limit)})`);
if (all > limit) {
  for (const [name, size] of [...sizes].sort((a, b) => b[1] - a[1])) console.error(`  ${kib(size).padStart(10)}  ${name}`);
  console.error('the pages are too large');
  process.exit(1);
}
