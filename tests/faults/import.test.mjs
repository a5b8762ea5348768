// Files that lie elsewhere, brought in while something breaks: it goes on where it was, and what comes of it is whole.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, copyFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { FileServer } from '../env/file-server.mjs';
import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { sha256File, Stack, until } from '../env/stack.mjs';

const home = path.join(process.env.VORA_HOME ?? '.vora/tests', 'imports');
const share = path.resolve(home, '..', 'imports-share');
const seconds = 20;
const frames = seconds * 30;
// One folder as two sources: copied, and read where it lies.
const stack = new Stack('imports', 22080, {
  VORA_SOURCES: `nas=file://${share}?settle=0s;direct=file://${share}?import=direct&settle=0s;slow=file://${share}/slow?settle=3s`, VORA_IMPORT_ALLOW_PRIVATE: 'yes',
});
let file, large;

before(async () => {
  await rm(share, { recursive: true, force: true });
  await mkdir(path.join(share, 'slow'), { recursive: true });
  await stack.reset();
  file = await source({ seconds });
  // Large enough for several parts of a copy: bytes that every player passes over stand at its end.
  large = path.join(share, '..', 'imports-large.mp4');
  await copyFile(file, large);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(64 << 20);
  header.write('free', 4);
  await appendFile(large, Buffer.concat([header, Buffer.alloc((64 << 20) - 8, 1)]));
});
after(() => stack.down());

async function importing(body, expected = 201) {
  const { status, json } = await stack.api('POST', '/v1/videos', body);
  assert.equal(status, expected, JSON.stringify(json));
  return json;
}
const raw = (id) => readdir(path.join(stack.home, 'objects', 'raw', id)).catch(() => []);
async function whole(id, original) {
  await stack.reach(id);
  const storedSha256 = await stack.objectSha256(`raw/${id}/original`);
  assert.equal(storedSha256, await sha256File(original), 'the copy is not the file');
  return assertNothingLostOrDoneTwice(stack, id, original, { frames, storedSha256 });
}

test('a URL whose answers are cut at 40 % again and again is brought in whole, and hardly anything twice', async (t) => {
  const server = await new FileServer().start(large);
  t.after(() => server.stop());
  server.cutAfter = Math.floor(server.size * 0.4);
  const { video_id: id } = await importing({ source: { url: server.url } });
  await whole(id, large);
  for (const path of [`/v1/videos/${id}`, `/v1/videos/${id}/history`]) {
    assert.doesNotMatch(JSON.stringify((await stack.api('GET', path)).json), /geheim/, `${path} shows what lets in`);
  }
  assert.ok(server.requests.filter((begin) => begin > 0).length >= 2, `resumed by ranges: ${server.requests}`);
  assert.ok(server.sent < server.size * 2, `${server.sent} bytes were sent for ${server.size}`);
});

test('a server that is away, then refuses, then is back: the video waits, says why, and becomes READY', async (t) => {
  let server = await new FileServer().start(file);
  const { port, url } = server;
  await server.stop();
  const { video_id: id } = await importing({ source: { url } });
  await until('the reason', async () => (await stack.video(id)).import.problem !== '');
  server = await new FileServer().start(file, port);
  t.after(() => server.stop());
  server.status = 503;
  await until('the next reason', async () => /503/.test((await stack.video(id)).import.problem));
  assert.equal((await stack.video(id)).state, 'PROCESSING');
  server.status = 0;
  await whole(id, file);
});

test('the worker is killed in the middle of a copy; the next one goes on after the last part', async (t) => {
  const server = await new FileServer().start(large);
  t.after(() => server.stop());
  server.perSecond = 20 << 20;
  const { video_id: id } = await importing({ source: { url: server.url } });
  await until('half of it', async () => (await stack.video(id)).import.progress_percent >= 45, { every: 50 });
  await stack.kill('transcode-worker');
  const before = server.requests.length;
  await stack.start('transcode-worker');
  await whole(id, large);
  const later = server.requests.slice(before);
  assert.ok(later.some((begin) => begin >= 16 << 20), `begun anew at ${later}`);
  assert.ok(!later.includes(0) || later.filter((begin) => begin === 0).length <= 2, 'only its beginning is looked at again');
});

test('a copy that is cancelled leaves nothing behind, and a retry brings the file in', async (t) => {
  const server = await new FileServer().start(large);
  t.after(() => server.stop());
  server.perSecond = 10 << 20;
  const { video_id: id } = await importing({ source: { url: server.url } });
  await until('a part of it', async () => (await stack.video(id)).import.progress_percent >= 20, { every: 50 });
  assert.equal((await stack.api('POST', `/v1/videos/${id}/cancel`)).status, 200);
  await stack.reach(id, ['CANCELLED']);
  const multiparts = () => readdir(path.join(stack.home, 'objects', '.multipart')).catch(() => []);
  await until('its parts to go', async () => (await multiparts()).length === 0, { timeout: 60_000 });
  assert.deepEqual(await raw(id), []);
  server.perSecond = Infinity;
  assert.equal((await stack.api('POST', `/v1/videos/${id}/retry`)).status, 200);
  await stack.reach(id);
  assert.equal(await stack.objectSha256(`raw/${id}/original`), await sha256File(large));
});

test('a file that another one takes the place of while it is copied is taken anew, never half and half', async (t) => {
  const server = await new FileServer().start(large);
  t.after(() => server.stop());
  server.perSecond = 20 << 20;
  const { video_id: id } = await importing({ source: { url: server.url } });
  await until('a part of it', async () => (await stack.video(id)).import.progress_percent >= 20, { every: 50 });
  server.etag = '"v2"';
  server.file = file;
  server.size = (await stat(file)).size;
  await stack.reach(id);
  assert.equal(await stack.objectSha256(`raw/${id}/original`), await sha256File(file));
});

test('a file that is still being written is waited for', async () => {
  const growing = path.join(share, 'slow', 'growing.mp4');
  const whole = await readFile(file);
  await writeFile(growing, whole.subarray(0, whole.length / 2));
  const { video_id: id } = await importing({ source: { name: 'slow', key: 'growing.mp4' } });
  // It grows for longer than it takes to look at it, and never rests for as long as the source wants.
  for (let at = 0; at < 4; ++at) {
    await pause(1000);   // the pace at which it is written, not a wait for something
    const step = Math.floor(whole.length / 8);
    await appendFile(growing, whole.subarray(whole.length / 2 + at * step, at === 3 ? whole.length : whole.length / 2 + (at + 1) * step));
    assert.equal((await stack.video(id)).import.done, false);
  }
  await stack.reach(id);
  assert.equal(await stack.objectSha256(`raw/${id}/original`), await sha256File(file));
});

test('100 GiB are encoded from where they lie, without a copy', async () => {
  const huge = path.join(share, 'huge.mp4');
  execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-i', file, '-c', 'copy', '-movflags', '+faststart', huge]);
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1);
  header.write('free', 4);
  header.writeBigUInt64BE(100n << 30n, 8);
  const { size } = await stat(huge);
  await appendFile(huge, header);
  await truncate(huge, size + 100 * 2 ** 30);
  const { video_id: id, source_bytes: bytes } = await importing({ source: { name: 'direct', key: 'huge.mp4' } });
  assert.equal(bytes, size + 100 * 2 ** 30);
  const video = await stack.reach(id);
  assert.equal(video.import.copied, false);
  assert.ok(Math.abs(video.duration_seconds - seconds) < 0.1);
  assert.deepEqual(await raw(id), [], 'nothing of it is in our store');
  await rm(huge);
});

test('a file that changes while it is encoded from where it lies ends in a clear failure, and is another video when asked for again', async () => {
  const film = path.join(share, 'changing.mp4');
  await copyFile(large, film);
  const queue = (paused) => stack.api('PATCH', '/v1/queues/transcode', { paused });
  await queue(true);
  const { video_id: id } = await importing({ source: { name: 'direct', key: 'changing.mp4' } });
  await until('the pin', async () => (await stack.video(id)).import.done);
  await copyFile(file, film);
  await queue(false);
  const failed = await stack.reach(id, ['FAILED']);
  assert.equal(failed.failure_code, 'import.changed');
  const { video_id: again } = await importing({ source: { name: 'direct', key: 'changing.mp4' } });
  assert.notEqual(again, id);
  await stack.reach(again);
});

test('metadata is killed in the middle of a scan: each file is registered once; a share that was moved is known again', async () => {
  const films = 1700;
  const folder = path.join(share, 'many');
  await mkdir(folder);
  for (let i = 0; i < films; ++i) await writeFile(path.join(folder, `film ${i}.mkv`), `no film ${i}`);
  // What is registered waits: this is about the scan.
  for (const name of ['transcode', 'import']) assert.equal((await stack.api('PATCH', `/v1/queues/${name}`, { paused: true })).status, 200);
  const { json: begun } = await stack.api('POST', '/v1/sources/nas:scan');
  const scan = async () => (await stack.api('GET', `/v1/sources/nas/scans/${begun.scan_id}`)).json;
  await until('the first page', async () => (await scan()).registered > 0, { every: 10 });
  await stack.kill('metadata');
  await stack.start('metadata');
  const done = await until('its end', async () => ((await scan().catch(() => null))?.state === 'DONE' ? scan() : null));
  const known = Number((await stack.postgres('vora_metadata', "SELECT count(*) FROM videos WHERE origin_source = 'nas' AND origin_key LIKE 'many/%'"))[0][0]);
  const keys = Number((await stack.postgres('vora_metadata', "SELECT count(DISTINCT origin_key) FROM videos WHERE origin_source = 'nas' AND origin_key LIKE 'many/%'"))[0][0]);
  assert.deepEqual([known, keys], [films, films]);
  assert.ok(done.registered >= films);
  // The root moves; the setting with it. Paths are relative, so that nothing is new.
  const moved = `${share}-moved`;
  await rm(moved, { recursive: true, force: true });
  await rename(share, moved);
  await stack.down();
  stack.env.VORA_SOURCES = stack.env.VORA_SOURCES.replaceAll(`file://${share}`, `file://${moved}`);
  await stack.up();
  const again = await stack.cli(['--json', 'scan', 'nas']);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(again.json.at(-1).registered, 0, JSON.stringify(again.json.at(-1)));
  await rm(moved, { recursive: true });
});
