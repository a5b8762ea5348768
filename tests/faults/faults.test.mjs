// Each test breaks something while a video is uploaded or processed, heals it, and proves that nothing was lost or done twice.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { run, Stack, until } from '../env/stack.mjs';

const stack = new Stack('faults', 20080);
const seconds = 24;
const frames = seconds * 30;
let file;

before(async () => {
  await stack.reset();
  file = await source({ seconds });
});
after(() => stack.down());

const rendition = (video, name) => video.renditions.find((r) => r.name === name);

// Uploads the source and waits until `share` per cent of a rendition are done.
async function processing(share = 20, name = '720p') {
  const created = await stack.upload(file);
  await until(`${share} % of ${name}`, async () => {
    const video = await stack.video(created.video_id);
    assert.notEqual(video.state, 'FAILED', video.failure);
    return (rendition(video, name)?.progress_percent ?? 0) >= share;
  }, { every: 50 });
  return created.video_id;
}

async function finish(id) {
  await stack.reach(id);
  return assertNothingLostOrDoneTwice(stack, id, file, { frames });
}

test('an upload cut at 40 %, with the daemon killed, is resumed without losing an acknowledged byte', async () => {
  const client = stack.spawnCli(['upload', '--no-wait', '--max-rate', '4MB', file]);
  let said = '';
  client.stderr.on('data', (bytes) => { said += bytes; });
  await until('40 %', () => /upload {4}\[[#-]+\] +[4-9]\d %/.test(said), { timeout: 60_000, every: 20 });
  client.kill('SIGKILL');
  await once(client, 'exit');
  const { stdout } = await stack.shell('cat "$XDG_CACHE_HOME"/vora/uploads/*');
  const url = stdout.trim();
  // What the server has acknowledged before it is killed must be there afterwards.
  const offset = async () => Number((await stack.fetch(url, { method: 'HEAD', headers: { 'tus-resumable': '1.0.0' } })).headers.get('upload-offset'));
  const acknowledged = await until('an acknowledged offset', offset);
  await stack.kill('upload');
  await stack.start('upload');
  assert.ok((await offset()) >= acknowledged, 'acknowledged bytes were lost');
  const again = await stack.cli(['--json', 'upload', '--no-wait', file]);
  assert.equal(again.code, 0, again.stderr);
  assert.ok(again.json.at(-1).resumed_from >= acknowledged, `resumed from ${again.json.at(-1).resumed_from}, acknowledged were ${acknowledged}`);
  await finish(again.json.at(-1).video_id);
});

test('the child that encodes 720p is killed at 67 %: only that rendition retries', async () => {
  const id = await processing(67, '720p');
  const pids = await until('its child', async () => {
    const { stdout } = await run('pgrep', ['-f', `child=encode.*track=720p.*video=${id}`]);
    return stdout.trim() ? stdout.trim().split('\n').map(Number) : null;
  }, { every: 10 });
  process.kill(pids[0], 'SIGKILL');
  const { activities, video } = await finish(id);
  const retried = activities.filter((a) => a.ends[0].attempt > 1).map((a) => a.id);
  assert.ok(retried.length > 0, 'the kill was noticed');
  assert.ok(retried.every((name) => name.startsWith('720p/')), `retried: ${retried}`);
  assert.ok(rendition(video, '720p').retries >= 1);
  for (const name of ['360p', '1080p', 'audio_0']) assert.equal(rendition(video, name).retries, 0, name);
});

test('the worker is killed; a new one goes on', async () => {
  const id = await processing(20);
  const { stdout } = await run('pgrep', ['-f', `child=.*video=${id}`]);
  assert.ok(stdout.trim(), 'the worker has children');
  await stack.kill('transcode-worker');
  await until('its children to end with it', async () => !(await run('pgrep', ['-f', `child=.*video=${id}`])).stdout.trim(), { timeout: 10_000 });
  await stack.start('transcode-worker');
  await finish(id);
});

test('the worker is asked to stop; it hands its work back', async () => {
  const id = await processing(20);
  await stack.stop('transcode-worker');
  await stack.start('transcode-worker');
  const { activities } = await finish(id);
  assert.ok(activities.every((a) => a.ends[0].attempt === 1), 'handing back is not a failed attempt');
});

test('a worker that was frozen while its video was deleted brings none of it back', async () => {
  const id = await processing(20);
  const { upload_id: upload } = await stack.video(id);
  const frozen = await stack.pid('transcode-worker');
  process.kill(frozen, 'SIGSTOP');
  const other = await stack.replica('transcode-worker');
  try {
    assert.equal((await stack.api('DELETE', `/v1/videos/${id}`)).status, 204);
    const runs = `SELECT status FROM workflow_runs WHERE workflow_id = 'delete/${id}'`;
    await until('both passes of the delete', async () => String(await stack.postgres('vora_orchestrator', runs)) === 'COMPLETED');
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await until('its children to end', async () => !(await run('pgrep', ['-f', `child=.*video=${id}`])).stdout.trim(), { timeout: 20_000 });
  // All it can do: it works off another video, beside the one that took its place.
  await finish(await processing(20));
  other.kill('SIGTERM');
  await other.exited;
  const { stdout } = await run('find', [path.join(stack.home, 'objects', 'processed', id), path.join(stack.home, 'objects', 'raw', upload), '-type', 'f']);
  assert.equal(stdout.trim(), '', 'nothing of the video is left');
});

test('the orchestrator is killed in mid-flight, twice', async () => {
  const id = await processing(10);
  await stack.kill('orchestrator');
  await stack.start('orchestrator');
  await until('more progress', async () => rendition(await stack.video(id), '720p').progress_percent >= 50 || (await stack.video(id)).state === 'READY');
  await stack.kill('orchestrator');
  await stack.start('orchestrator');
  await finish(id);
});

test('metadata is killed and started again', async () => {
  const id = await processing(20);
  await stack.kill('metadata');
  await stack.start('metadata');
  await finish(id);
});

test('PostgreSQL is restarted: 503 while it is away, and all goes on by itself', async () => {
  const id = await processing(20);
  await stack.stop('postgres');
  const away = await stack.api('GET', `/v1/videos/${id}`);
  assert.equal(away.status, 503, JSON.stringify(away.json));
  assert.ok(away.headers.get('retry-after'));
  await stack.start('postgres');
  await until('metadata to answer', async () => (await stack.api('GET', `/v1/videos/${id}`)).status === 200, { timeout: 30_000 });
  await finish(id);
});
