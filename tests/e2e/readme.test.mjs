// The commands of the README work as they stand there.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { root, run, until } from '../env/stack.mjs';
import { stack } from './stack.mjs';

let blocks, folder;
before(async () => {
  await stack.up();
  const text = await readFile(path.join(root, 'README.md'), 'utf8');
  blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block);
  folder = await mkdtemp(path.join(os.tmpdir(), 'vora-readme-'));
  await copyFile(await source({ seconds: 5, width: 640, height: 360 }), path.join(folder, 'clip.mp4'));
});

// A block, on the ports of this suite's stack.
const execute = (block) =>
  run('bash', ['-euc', block.replaceAll(':8080', `:${stack.portBase}`).replaceAll(':8081', `:${stack.portBase + 1}`).replace('$PWD/build/release', stack.build)], { cwd: folder, env: stack.cliEnv() });

test('the curl upload', async () => {
  const result = await execute(blocks.find((b) => b.startsWith('curl')));
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /HTTP\/1\.1 201[^]*[Ll]ocation: .*\/files\/([0-9a-f]{32})/);
  const uploadId = /\/files\/([0-9a-f]{32})/.exec(result.stdout)[1];
  const video = await until('its video', async () => (await stack.api('GET', '/v1/videos')).json.videos.find((v) => v.upload_id === uploadId));
  assert.equal((await stack.reach(video.video_id)).filename, 'clip.mp4');
});

test('the command line', async () => {
  const result = await execute(blocks.find((b) => b.includes('vora upload')));
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /Ready\. Watch it at[^]*READY +100 %.*clip$/m);
});
