// A stack's store is copied into a bucket, killed in the middle of it; then a stack runs on the copy.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { S3Server } from '../env/s3.mjs';
import { Stack, until } from '../env/stack.mjs';

const seconds = 12;
let folder, s3, file, id, from;
const cli = (...args) => folder.cli(['--json', 'storage', 'copy', ...args], { timeout: 120_000 });

before(async () => {
  s3 = await S3Server.start('copy-rgw', 17710);
  folder = new Stack('copy-folder', 10480);
  await folder.reset();
  file = await source({ seconds });
  ({ video_id: id } = await folder.upload(file));
  await folder.reach(id);
  from = `file://${folder.home}/objects`;
  const { VORA_S3_ACCESS_KEY: access, VORA_S3_SECRET_KEY: secret } = s3.env;
  for (const name of ['FROM', 'TO']) Object.assign(folder.env, { [`VORA_S3_${name}_ACCESS_KEY`]: access, [`VORA_S3_${name}_SECRET_KEY`]: secret });
});
after(async () => {
  await folder?.down(['--wipe']);
  await s3?.stop();
});

test('mistakes are named', async () => {
  const wrong = await cli('file:///nowhere/at/all', s3.env.VORA_STORAGE);
  assert.equal(wrong.code, 1);
  assert.match(JSON.parse(wrong.stderr).error.message, /FROM: there is no folder \/nowhere\/at\/all/);
  const same = await cli(from, from);
  assert.match(JSON.parse(same.stderr).error.message, /TO: is the same store/);
  for (const [from_, to, words] of [
    [from, `${from}/inside`, /TO: lies inside FROM/],
    [`${from}/raw`, from, /TO: holds FROM inside it/],
    [s3.env.VORA_STORAGE, s3.env.VORA_STORAGE.replace('?', '/inside?'), /TO: lies inside FROM/],
  ]) {
    const nested = await cli(from_, to);
    assert.equal(nested.code, 1);
    assert.match(JSON.parse(nested.stderr).error.message, words);
  }
  await assert.rejects(stat(`${folder.home}/objects/inside`), 'nothing is made');
  const closed = await folder.cli(['--json', 'storage', 'copy', from, 's3://no-such-bucket?endpoint=http://127.0.0.1:17710']);
  assert.equal(closed.code, 1);
  assert.match(JSON.parse(closed.stderr).error.message, /TO: .*NoSuchBucket/);
});

test('an unfinished upload is not promised to anybody', async () => {
  const created = await fetch(folder.uploads, { method: 'POST', headers: { 'tus-resumable': '1.0.0', 'upload-length': '1000' } });
  assert.equal(created.status, 201);
  const refused = await cli('--dry-run', from, s3.env.VORA_STORAGE);
  assert.equal(refused.code, 1);
  assert.match(JSON.parse(refused.stderr.trim()).error.message, /1 uploads are not finished/);
  const deleted = await fetch(created.headers.get('location'), { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } });
  assert.equal(deleted.status, 204);
});

test('killed at half, run again, complete; a third time there is nothing left to do, and every byte is as it was', async () => {
  const { json: [planned] } = await cli('--dry-run', from, s3.env.VORA_STORAGE);
  assert.ok(planned.copied > 20 && planned.dry_run, JSON.stringify(planned));
  assert.deepEqual(await s3.keys(), []);

  const killed = folder.spawnCli(['storage', 'copy', '--jobs', '1', from, s3.env.VORA_STORAGE]);
  await until('half of it', async () => (await s3.keys()).length >= planned.copied / 2, { every: 20 });
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  const half = (await s3.keys()).length;
  assert.ok(half < planned.copied, 'it was killed before its end');

  const rest = await cli(from, s3.env.VORA_STORAGE);
  assert.equal(rest.code, 0, rest.stderr);
  assert.equal(rest.json[0].copied + rest.json[0].skipped, planned.copied);
  assert.ok(rest.json[0].skipped >= half - 1, JSON.stringify(rest.json));
  const again = await cli('--verify', from, s3.env.VORA_STORAGE);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual({ copied: again.json[0].copied, skipped: again.json[0].skipped, failed: again.json[0].failed }, { copied: 0, skipped: planned.copied, failed: 0 });
});

test('a stack on the copy plays, and knows what the one before it knew', async () => {
  const { upload_id: upload } = await folder.video(id);
  await folder.down();
  folder.env = { ...folder.env, ...s3.env };
  await folder.up();
  await assertNothingLostOrDoneTwice(folder, id, file, { frames: seconds * 30, storedSha256: await s3.sha256(`raw/${upload}/original`) });
  const second = await folder.upload(file);
  await folder.reach(second.video_id);
});

test('what is gone from the source is told, and deleted from the copy when that is said', async () => {
  const mirror = `file://${folder.home}/mirror`;
  const third = await folder.upload(file);
  await folder.reach(third.video_id);
  const first = await cli(s3.env.VORA_STORAGE, mirror);
  assert.equal(first.code, 0, first.stderr);
  const before = await s3.keys();
  assert.equal((await folder.cli(['delete', third.video_id])).code, 0);
  await until('its objects to be gone', async () => !(await s3.keys()).some((key) => key.includes(third.video_id) || key.includes(third.upload_id)));
  const lost = before.length - (await s3.keys()).length;
  assert.ok(lost > 20);
  const told = await cli(s3.env.VORA_STORAGE, mirror);
  assert.deepEqual([told.code, told.json[0].gone, told.json[0].deleted], [0, lost, 0], told.stderr);
  const deleted = await cli('--delete', s3.env.VORA_STORAGE, mirror);
  assert.deepEqual([deleted.code, deleted.json[0].gone, deleted.json[0].deleted], [0, lost, lost], deleted.stderr);
  const again = await cli('--delete', '--verify', s3.env.VORA_STORAGE, mirror);
  assert.deepEqual([again.code, again.json[0].gone, again.json[0].copied], [0, 0, 0], again.stderr);
  const empty = await cli('--delete', `${s3.env.VORA_STORAGE.replace('?', '/no-such-prefix?')}`, mirror);
  assert.equal(empty.code, 1);
  assert.match(JSON.parse(empty.stderr.trim()).error.message, /FROM holds nothing of uploads/);
});

test('Ctrl-C ends it cleanly, and the way back into a folder is the same', async () => {
  const back = `file://${folder.home}/back`;
  const stopped = folder.spawnCli(['storage', 'copy', '--jobs', '1', s3.env.VORA_STORAGE, back]);
  let said = '';
  stopped.stderr.on('data', (text) => { said += text; });
  await once(stopped.stderr, 'data');
  stopped.kill('SIGINT');
  const [code] = await once(stopped, 'exit');
  assert.equal(code, 130, said);
  assert.match(said, /The same command goes on where it stopped/);
  const done = await cli(s3.env.VORA_STORAGE, back);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(done.json[0].failed, 0);
  const verified = await cli('--verify', s3.env.VORA_STORAGE, back);
  assert.equal(verified.json[0].copied, 0);
  assert.equal(verified.json[0].skipped, done.json[0].objects);
});
