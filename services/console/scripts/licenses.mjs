// Writes dist/licenses.txt: the licence of every npm package that is in the bundle.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const packageOf = (id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll('\\', '/').replace(/^\0/, ''))?.[1];

export function licenses() {
  const folders = new Set();
  return {
    name: 'licenses',
    apply: 'build',
    moduleParsed({ id }) {
      const folder = packageOf(id);
      if (folder) folders.add(folder);
    },
    async generateBundle() {
      const texts = [];
      for (const folder of [...folders, packageOf(path.resolve('node_modules/hash-wasm/x'))].filter(Boolean).sort()) {
        const about = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
        const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
        const text = file ? await readFile(path.join(folder, file), 'utf8') : `Licence: ${about.license}\n`;
        texts.push(`${about.name} ${about.version} (${about.license})\n\n${text.trim()}\n`);
      }
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source: [...new Set(texts)].join(`\n${'-'.repeat(80)}\n\n`) });
    },
  };
}
