// A video is encoded anew while parts of the fleet are killed: players have the one or the other, whole, and nothing is left over.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { packets, source } from '../env/media.mjs';
import { run, Stack, until } from '../env/stack.mjs';

const stack = new Stack('encodes', 28480, { VORA_REPLACED_GRACE: '1s' });
const seconds = 16;
let file;

before(async () => {
  await stack.reset();
  file = await source({ seconds, width: 1280, height: 720 });
});
after(() => stack.down());

const objects = async (id) => {
  const { stdout } = await run('find', [path.join(stack.home, 'objects', 'processed', id), '-type', 'f']);
  return stdout.trim() ? stdout.trim().split('\n') : [];
};
const newest = async (id) => (await stack.api('GET', `/v1/videos/${id}/encodes`)).json.encodes[0];
const begin = async (id, ladder) => {
  const begun = await stack.api('POST', `/v1/videos/${id}/encodes`, { ladder });
  assert.equal(begun.status, 202, JSON.stringify(begun.json));
  return begun.json.revision;
};
const underWay = (id, share) => until(`${share} % of the encode`, async () => {
  const encode = await newest(id);
  assert.notEqual(encode.state, 'FAILED', encode.failure);
  return encode.progress_percent >= share || encode.state === 'READY';
}, { every: 50 });

test('worker, orchestrator and metadata are killed while a video is encoded anew: it takes its place once, whole', async () => {
  const { video_id: id } = await stack.upload(file);
  const first = await stack.reach(id);
  const revision = await begin(id, 'hd');
  await underWay(id, 10);
  await stack.kill('transcode-worker');
  // What players have is untouched meanwhile.
  assert.equal((await stack.fetch(`${stack.edge}/v/${id}/720p/seg_1.m4s`)).status, 200);
  await stack.start('transcode-worker');
  await underWay(id, 40);
  await stack.kill('orchestrator');
  await stack.kill('metadata');
  await stack.start('orchestrator');
  await stack.start('metadata');
  await until('it to take its place', async () => (await newest(id)).state === 'READY', { timeout: 180_000 });
  const video = await stack.video(id);
  assert.deepEqual([video.state, video.revision, video.ladder], ['READY', revision, 'hd']);
  assert.ok(video.version > first.version);
  for (const { name, state, segments_done: done, segments_total: total } of video.renditions) assert.deepEqual([name, state, done], [name, 'DONE', total]);
  for (const { name, height } of video.renditions) {
    if (height === 0) continue;
    assert.equal((await packets(`${stack.edge}/v/${id}/r${revision}/${name}/playlist.m3u8`, 'v')).length, seconds * 30, `${name}: every frame once`);
  }
  const folder = path.join(stack.home, 'objects', 'processed', id);
  await until('what was replaced to be gone', async () => (await readdir(folder)).join() === `r${revision}`, { timeout: 90_000 });
  assert.equal((await stack.fetch(`${stack.edge}/v/${id}/r${revision}/720p/seg_0.m4s`)).status, 200);
  assert.equal((await stack.api('GET', '/v1/videos')).json.videos.length, 1, 'nobody sees a second video');
});

test('a video that is deleted while it is encoded anew leaves nothing behind', async () => {
  const { video_id: id } = await stack.upload(file);
  await stack.reach(id);
  await begin(id, 'hd');
  await underWay(id, 20);
  await stack.kill('metadata');
  await stack.start('metadata');
  assert.equal((await stack.api('DELETE', `/v1/videos/${id}`)).status, 204);
  await until('its children to end', async () => !(await run('pgrep', ['-f', 'child=encode'])).stdout.trim(), { timeout: 60_000 });
  const open = "SELECT count(*) FROM workflow_runs WHERE status = 'RUNNING'";
  await until('every workflow to end', async () => String(await stack.postgres('vora_orchestrator', open)) === '0', { timeout: 120_000 });
  assert.deepEqual(await objects(id), []);
});
