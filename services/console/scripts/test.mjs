// Unit tests of pure logic: every src/**/*.test.ts, compiled by Vite and run by node:test. Arguments go to node.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = path.join(root, 'src');
const tests = (await readdir(src, { recursive: true })).filter((name) => /\.test\.tsx?$/.test(name)).map((name) => path.join(src, name));
const outDir = await mkdtemp(path.join(os.tmpdir(), 'vora-console-test-'));
try {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    publicDir: false,
    esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      rollupOptions: {
        input: Object.fromEntries(tests.map((file) => [path.relative(src, file).replace(/\.test\.tsx?$/, '').replaceAll(path.sep, '-'), file])),
        output: { entryFileNames: '[name].test.mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
    ssr: { noExternal: true },
  });
  const files = (await readdir(outDir)).filter((name) => name.endsWith('.test.mjs')).map((name) => path.join(outDir, name));
  process.exitCode = spawnSync(process.execPath, ['--test', ...process.argv.slice(2), ...files], { stdio: 'inherit' }).status ?? 1;
} finally {
  await rm(outDir, { recursive: true, force: true });
}
