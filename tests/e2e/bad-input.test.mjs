import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { source } from '../env/media.mjs';
import { activities, history } from '../env/proof.mjs';
import { run } from '../env/stack.mjs';
import { stack } from './stack.mjs';

let folder;
before(async () => {
  await stack.up();
  folder = await mkdtemp(path.join(os.tmpdir(), 'vora-bad-'));
});

// Uploads, waits for the end, and makes sure that nothing was tried over and over.
async function process(file) {
  const created = await stack.upload(file);
  const video = await stack.reach(created.video_id, ['READY', 'FAILED'], { timeout: 60_000 });
  for (const activity of activities(await history(stack, created.video_id))) {
    for (const end of activity.ends) {
      if (end.type === 'ACTIVITY_TASK_FAILED') assert.equal(end.attempt, 1, `${activity.id} was retried`);
    }
  }
  return video;
}

async function expectFailure(file, code, words) {
  const video = await process(file);
  assert.equal(video.state, 'FAILED');
  assert.equal(video.failure_code, code);
  assert.match(video.failure, words);
  const manifest = await stack.fetch(`/v/${video.video_id}/master.m3u8`);
  assert.ok([404, 410].includes(manifest.status), `${manifest.status}`);
  assert.ok((await manifest.json()).error.message);
  const followed = await stack.cli(['watch', video.video_id]);
  assert.equal(followed.code, 1);
  assert.match(followed.stderr, words);
}

test('an empty file fails with a reason', async () => {
  const file = path.join(folder, 'empty.mp4');
  await writeFile(file, '');
  await expectFailure(file, 'media.empty', /empty/i);
});

test('a text named .mp4 fails with a reason', async () => {
  const file = path.join(folder, 'text.mp4');
  await writeFile(file, 'This is not a video.\n'.repeat(500));
  await expectFailure(file, 'media.unreadable', /video/i);
});

test('an mp4 cut before its index fails with a reason', async () => {
  const whole = path.join(folder, 'index-last.mp4');
  const made = await run('ffmpeg', ['-v', 'error', '-y', '-i', await source({ seconds: 6, width: 640, height: 360 }), '-c', 'copy', whole]);
  assert.equal(made.code, 0, made.stderr);
  const file = path.join(folder, 'truncated.mp4');
  const bytes = await readFile(whole);
  await writeFile(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
  await expectFailure(file, 'media.truncated', /incomplete|truncated|cut|index/i);
});

test('audio without a picture fails with a reason', async () => {
  await expectFailure(await source({ seconds: 5, video: false }), 'media.no_video', /no picture|no video/i);
});

test('a playlist dressed up as a video is never followed', async () => {
  for (const [name, text] of [
    ['list.mp4', '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n'],
    ['concat.mp4', "ffconcat version 1.0\nfile '/etc/passwd'\n"],
  ]) {
    const file = path.join(folder, name);
    await writeFile(file, text);
    await expectFailure(file, 'media.not_a_video', /not a video/i);
  }
});

test('an mp4 cut in its data gives what is there, or a reason', async () => {
  const bytes = await readFile(await source({ seconds: 8, width: 640, height: 360 }));
  const file = path.join(folder, 'cut.mp4');
  await writeFile(file, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
  const video = await process(file);
  if (video.state === 'FAILED') assert.ok(video.failure.length > 10, video.failure);
  else assert.ok(video.playable);
});

test('a picture without audio is a right result', async () => {
  const video = await process(await source({ seconds: 6, width: 640, height: 360, audio: false }));
  assert.equal(video.state, 'READY');
  assert.deepEqual(video.renditions.map((r) => r.name), ['360p']);
  const master = await (await stack.fetch(`/v/${video.video_id}/master.m3u8`)).text();
  assert.doesNotMatch(master, /mp4a|AUDIO/);
});

test('the REST interface names the field and the limit', async () => {
  for (const [method, pathname, body, field] of [
    ['POST', '/v1/videos', {}, 'upload_id'],
    ['POST', '/v1/videos', { upload_id: '../../etc' }, 'upload_id'],
    ['GET', '/v1/videos?page_size=1000', undefined, 'page_size'],
    ['GET', '/v1/videos?state=NONE', undefined, 'state'],
  ]) {
    const { status, json } = await stack.api(method, pathname, body);
    assert.equal(status, 400, `${method} ${pathname}: ${JSON.stringify(json)}`);
    assert.ok(json.error.field === field || json.error.message.includes(field), JSON.stringify(json));
  }
  assert.equal((await stack.api('GET', '/v1/videos/00000000000000000000000000000000')).status, 404);
});
