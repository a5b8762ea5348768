// A backup of a working stack, the loss of everything, and the way back.
import assert from 'node:assert/strict';
import { appendFile, cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { root, run, Stack, until } from '../env/stack.mjs';

const stack = new Stack('backup', 21080);
const backup = `${stack.home}-copy`;
const script = (name, ...args) => run(path.join(root, 'deploy/local', name), args, { env: stack.env });
const seconds = 12;
let file;

before(async () => {
  await rm(backup, { recursive: true, force: true });
  await stack.reset();
  file = await source({ seconds });
});
after(async () => {
  await stack.down(['--wipe']);
  await rm(backup, { recursive: true, force: true });
});

const event = (sequence) => ({
  video_id: '0'.repeat(32), session_id: 'backup-session', sequence, type: 'watch_time', position_seconds: sequence, duration_seconds: 1, rendition: '720p', bitrate: 3_000_000,
});
const counted = async () => Number((await stack.clickhouse('SELECT uniqExact(session_id, sequence), count() FROM playback_events'))[0][0]);

test('everything is lost but the backup: finished videos play, unfinished ones are finished, events are all there', async () => {
  const done = await stack.upload(file, ['--title', 'finished before the backup']);
  await stack.reach(done.video_id);
  const events = Array.from({ length: 200 }, (_, i) => event(i));
  const sent = await stack.api('POST', '/e', events);
  assert.equal(sent.status, 202, JSON.stringify(sent.json));
  await until('the events to arrive', async () => (await counted()) >= 200);

  // One in the middle of its processing, and one that arrives while the backup is being made.
  const half = await stack.upload(file, ['--title', 'half done']);
  await until('a fifth of it', async () => ((await stack.video(half.video_id)).progress_percent ?? 0) >= 20, { every: 50 });
  const copying = script('backup.sh', backup);
  const late = await stack.upload(file, ['--title', 'finished during the backup']);
  const made = await copying;
  assert.equal(made.code, 0, `${made.stdout}\n${made.stderr}`);
  const listed = (await readFile(path.join(backup, 'CHECKSUMS'), 'utf8')).split('\n').map((line) => line.slice(66));
  assert.ok(!listed.includes('./CHECKSUMS'), 'the list does not hold itself');
  assert.ok(listed.includes('./playback_events.native'));
  assert.equal((await script('backup.sh', backup)).code, 1, 'a backup is not written over another');
  assert.match((await script('restore.sh', backup)).stderr, /holds a stack already/);
  // A backup is older than the moment until which its rows might have been inserted.
  await until('the last insert to be over', async () => Number((await stack.clickhouse('SELECT max(not_after) < toUInt32(now()) FROM playback_events'))[0][0]) === 1);

  // Everything is lost. A damaged backup is refused before it does anything.
  await stack.down(['--wipe']);
  await cp(backup, `${backup}-damaged`, { recursive: true });
  await appendFile(path.join(`${backup}-damaged`, 'playback_events.native'), 'x');
  const refused = await script('restore.sh', `${backup}-damaged`);
  await rm(`${backup}-damaged`, { recursive: true });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /damaged/);

  // One that fails on its way leaves nothing that the next one stumbles over.
  const failing = await run(path.join(root, 'deploy/local/restore.sh'), [backup], { env: { ...stack.env, VORA_STORAGE: 'nowhere://' } });
  assert.equal(failing.code, 1, 'the uploads cannot be announced again');
  const restored = await script('restore.sh', backup);
  assert.equal(restored.code, 0, `${restored.stdout}\n${restored.stderr}`);
  await stack.up();
  assert.equal((await stack.video(done.video_id)).state, 'READY');
  await assertPlays(done.video_id);
  await stack.reach(half.video_id);
  await assertPlays(half.video_id);
  // The last one is known again by its upload if the copy of the objects has it: it was acknowledged before the objects were copied or not at all.
  const found = (await stack.api('GET', '/v1/videos')).json.videos.map((video) => video.upload_id);
  const objects = await run('ls', [path.join(stack.home, 'objects/raw')]);
  if (objects.stdout.includes(late.upload_id)) {
    const video = await until('the late video', async () => (await stack.api('GET', '/v1/videos')).json.videos.find((v) => v.upload_id === late.upload_id));
    await stack.reach(video.video_id);
    await assertPlays(video.video_id);
  } else {
    assert.ok(!found.includes(late.upload_id));
  }
  assert.equal(await counted(), 200);
  const [[, rows]] = await stack.clickhouse('SELECT uniqExact(session_id, sequence), count() FROM playback_events');
  assert.equal(Number(rows), 200, 'no event came twice');
  // And it goes on: something new from start to end.
  const fresh = await stack.upload(file);
  await stack.reach(fresh.video_id);
  await assertNothingLostOrDoneTwice(stack, fresh.video_id, file, { frames: seconds * 30 });
});

async function assertPlays(id) {
  const played = await run('ffprobe', ['-v', 'error', '-count_packets', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', `${stack.edge}/v/${id}/master.m3u8`], { timeout: 60_000 });
  assert.equal(played.code, 0, played.stderr);
  assert.equal(Number(played.stdout.trim().split('\n')[0]), seconds * 30);
}
