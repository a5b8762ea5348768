// A .gz beside every text file of dist/, which the metadata daemon sends to whoever takes it.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
for (const entry of await readdir(dist, { recursive: true })) {
  if (!/\.(html|js|css|svg|txt|json)$/.test(entry)) continue;
  const file = path.join(dist, entry);
  const plain = await readFile(file);
  const packed = gzipSync(plain, { level: 9 });
  if (packed.length < plain.length) await writeFile(`${file}.gz`, packed);
}
