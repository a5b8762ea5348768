// A backup of a working stack, the loss of everything, and the way back.
import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { root, run, Stack, until } from '../env/stack.mjs';

// All events of a test come from one address.
const unlimited = { VORA_CLIENT_EVENTS_PER_SECOND: '0' };
const stack = new Stack('backup', 21080, unlimited);
const restored = new Stack('backup-restored', 21480, unlimited);
const backup = `${stack.home}-copy`;
const local = path.join(root, 'deploy/local');
const script = (name, ...args) => run(path.join(local, name), args, { env: stack.env });
const seconds = 12;
let file;

before(async () => {
  await rm(backup, { recursive: true, force: true });
  await stack.reset();
  file = await source({ seconds });
});
after(async () => {
  await stack.down(['--wipe']);
  await restored.down(['--wipe']);
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
  await assertListed(backup);
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
  const failing = await run(path.join(local, 'restore.sh'), [backup], { env: { ...stack.env, VORA_STORAGE: 'nowhere://' } });
  assert.equal(failing.code, 1, 'the uploads cannot be announced again');
  const back = await script('restore.sh', backup);
  assert.equal(back.code, 0, `${back.stdout}\n${back.stderr}`);
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

// Everything that makes a backup hard to take, until it is stopped: events, uploads in many small requests, videos in their processing.
// How much of it stays is bounded for each backup, however long one takes: what a slow machine has to copy must not grow while it copies.
class Load {
  constructor(session, video) {
    Object.assign(this, { session, video, running: true, acknowledged: 0, uploads: 0, terminated: 0, videos: 0 });
    this.nextBackup();
    this.tasks = [this.events(), this.pieces(), this.pieces(), this.processing()].map((task) => task.catch((error) => {
      this.error ??= error;
      this.running = false;
    }));
  }
  nextBackup() {
    this.left = { events: 4000, uploads: 6, videos: 3 };
  }
  // `acknowledged` is how many, from sequence 0 on without a gap.
  async events() {
    while (this.running) {
      const batch = Array.from({ length: 20 }, (_, i) => ({ ...event(this.acknowledged + i), session_id: this.session, position_seconds: 1 }));
      const sent = await stack.api('POST', '/e', batch);
      assert.equal(sent.status, 202, JSON.stringify(sent.json));
      this.acknowledged += batch.length;
      this.left.events -= batch.length;
      await pause(this.left.events > 0 ? 10 : 1000);
    }
  }
  // 6 MiB of no video: two parts, many tails, and a processing that ends at once. What is too much is terminated before its end.
  async pieces() {
    const piece = Buffer.alloc(128 << 10, 'vora');
    while (this.running) {
      const made = await fetch(stack.uploads, { method: 'POST', headers: { 'tus-resumable': '1.0.0', 'upload-length': String(48 * piece.length) } });
      assert.equal(made.status, 201, await made.text());
      const url = new URL(made.headers.get('location'), stack.uploads);
      const stays = this.left.uploads-- > 0;
      for (let offset = 0; this.running && offset < (stays ? 48 : 47) * piece.length; offset += piece.length) {
        const headers = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) };
        const sent = await fetch(url, { method: 'PATCH', headers, body: piece });
        assert.equal(sent.status, 204, await sent.text());
        await pause(10);
      }
      if (stays) {
        this.uploads += 1;
      } else {
        const gone = await fetch(url, { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } });
        assert.equal(gone.status, 204, await gone.text());
        this.terminated += 1;
      }
    }
  }
  async processing() {
    while (this.running) {
      await until('the next backup, or the end', () => !this.running || this.left.videos-- > 0, { timeout: 600_000 });
      if (!this.running) break;
      const { video_id } = await stack.upload(this.video);
      await until('it to be processed, or the end', async () => !this.running || (await stack.video(video_id)).state === 'READY');
      this.videos += 1;
    }
  }
  async stop() {
    this.running = false;
    await Promise.all(this.tasks);
    if (this.error) throw this.error;
  }
}

test('ten backups made under load, each restored', async () => {
  const small = await source({ seconds: 2, width: 320, height: 180 });
  const ready = await stack.upload(small, ['--title', 'finished before the backups']);
  await stack.reach(ready.video_id);
  const load = new Load('under-load', small);
  let before = 0;
  try {
    for (let i = 1; i <= 10; ++i) {
      await rm(backup, { recursive: true, force: true });
      await until('more events', () => load.error || load.acknowledged > before);
      if (load.error) throw load.error;
      before = load.acknowledged;
      load.nextBackup();
      const made = await script('backup.sh', backup);
      assert.equal(made.code, 0, `backup ${i}:\n${made.stdout}\n${made.stderr}`);
      await assertListed(backup);
      await restored.down(['--wipe']);
      const back = await run(path.join(local, 'restore.sh'), [backup], { env: restored.env });
      assert.equal(back.code, 0, `restore ${i}:\n${back.stdout}\n${back.stderr}`);
    }
  } finally {
    await load.stop();
  }
  assert.ok(load.uploads > 0 && load.videos > 0, `${load.uploads} uploads and ${load.videos} videos: the load was none`);
  await stack.down();

  await restored.up();
  assert.equal((await restored.video(ready.video_id)).state, 'READY');
  await assertPlays(ready.video_id, { on: restored, frames: 2 * 30 });
  const rows = () => restored.clickhouse("SELECT sequence, count() FROM playback_events WHERE session_id = 'under-load' GROUP BY sequence");
  const missing = (found) => {
    const there = new Set(found.map(([sequence]) => Number(sequence)));
    return Array.from({ length: before }, (_, sequence) => sequence).filter((sequence) => !there.has(sequence));
  };
  await until('every event that was acknowledged before the last backup', async () => missing(await rows()).length === 0);
  // What waited in the spool has been inserted by now.
  await until('the spool to be empty', async () => !(await readdir(path.join(restored.home, 'spool'))).some((name) => /\.(open|sealed|doubt)$/.test(name)));
  assert.deepEqual((await rows()).filter(([, count]) => count !== '1'), [], 'no event came twice');
  assert.deepEqual((await readdir(path.join(restored.home, 'spool'))).filter((name) => name.includes('damaged')), []);
});

test('a list that names itself, or leaves a file out, is no list', async () => {
  const folder = `${stack.home}-list`;
  const check = () => run('bash', ['-c', `set -uo pipefail; . "${local}/stack.sh"; . "${local}/backup_check.sh"; check_backup "$1"`, '_', folder], { env: stack.env });
  const list = (names) => run('bash', ['-c', `cd "$1" && sha256sum ${names} >../list.new && mv ../list.new CHECKSUMS`, '_', folder]);
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(path.join(folder, 'postgres'), { recursive: true });
    await writeFile(path.join(folder, 'one'), '1');
    await writeFile(path.join(folder, 'two'), '2');
    await list('./one');
    assert.match((await check()).stderr, /leaves files out: \.\/two/);
    await writeFile(path.join(folder, 'CHECKSUMS'), '');
    await list('./CHECKSUMS ./one ./two');
    const itself = await check();
    assert.equal(itself.code, 1);
    assert.match(itself.stderr, /names itself[^]*what to do:/);
    // Now only what PostgreSQL has to say is missing: nothing is there of it.
    await list('./one ./two');
    assert.match((await check()).stderr, /the databases in the backup .* are damaged/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

// The list names every file once, but itself and those of PostgreSQL.
async function assertListed(folder) {
  const listed = (await readFile(path.join(folder, 'CHECKSUMS'), 'utf8')).split('\n').filter(Boolean).map((line) => line.slice(66));
  const found = await run('find', ['.', '!', '-type', 'd', '!', '-path', './postgres/*', '!', '-path', './CHECKSUMS'], { cwd: folder });
  const files = found.stdout.split('\n').filter(Boolean);
  assert.deepEqual(listed.sort(), files.sort());
  assert.ok(files.includes('./playback_events.native'));
}

async function assertPlays(id, { on = stack, frames = seconds * 30 } = {}) {
  const played = await run('ffprobe', ['-v', 'error', '-count_packets', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', `${on.edge}/v/${id}/master.m3u8`], { timeout: 60_000 });
  assert.equal(played.code, 0, played.stderr);
  assert.equal(Number(played.stdout.trim().split('\n')[0]), frames);
}
