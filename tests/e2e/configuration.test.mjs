// The written reference of settings is what the programs say of themselves.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { root, run } from '../env/stack.mjs';

test('docs/configuration.md is what the programs say', async () => {
  const said = await run(path.join(root, 'docs/configuration.sh'), []);
  assert.equal(said.code, 0, said.stderr);
  const written = await readFile(path.join(root, 'docs/configuration.md'), 'utf8');
  assert.equal(written, said.stdout, 'docs/configuration.md is out of date: docs/configuration.sh >docs/configuration.md');
});
