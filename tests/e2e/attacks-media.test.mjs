// Uploads that are attacks: files that lead elsewhere, and files that grow when they are looked at. Each fails with a reason that a person
// understands, nobody is called, no file is read, and the worker does the next job.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { activities, history } from '../env/proof.mjs';
import { run } from '../env/stack.mjs';
import { stack } from './stack.mjs';

const listener = net.createServer((socket) => {
  hits += 1;
  socket.destroy();
});
let hits = 0;
let port;
let folder;
let worker;

before(async () => {
  await stack.up();
  worker = await stack.pid('transcode-worker');
  folder = await mkdtemp(path.join(os.tmpdir(), 'vora-attacks-'));
  await new Promise((done) => listener.listen(0, '127.0.0.1', done));
  port = listener.address().port;
});
after(async () => {
  listener.close();
  await rm(folder, { recursive: true, force: true });
});

const big32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const box = (type, ...parts) => {
  const body = Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p, 'latin1') : p)));
  return Buffer.concat([big32(body.length + 8), Buffer.from(type, 'latin1'), body]);
};
const ftyp = () => box('ftyp', 'isom', big32(0));
const dref = (entry) => Buffer.concat([ftyp(), box('moov', box('trak', box('mdia', box('minf', box('dinf', box('dref', big32(0), big32(1), entry))))))]);
const replaceAt = (bytes, at, part) => Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + part.length)]);

// A small video of its own: [bytes], by ffmpeg.
async function video(name, ...args) {
  const file = path.join(folder, name);
  const made = await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=5:duration=3', ...args, file]);
  assert.equal(made.code, 0, made.stderr);
  return readFile(file);
}

async function upload(name, bytes) {
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return (await stack.upload(file)).video_id;
}

// Every attack ends as [code, words], at the first attempt.
async function expectRefused(attacks) {
  const ids = [];
  for (const [name, bytes] of attacks) ids.push(await upload(name, bytes));
  for (const [i, [name, , code, words]] of attacks.entries()) {
    const video = await stack.reach(ids[i], ['FAILED', 'READY'], { timeout: 120_000 });
    assert.equal(video.state, 'FAILED', name);
    assert.equal(video.failure_code, code, `${name}: ${video.failure}`);
    assert.match(video.failure, words, name);
    for (const activity of activities(await history(stack, ids[i]))) {
      for (const end of activity.ends) assert.equal(end.attempt, 1, `${name}: ${activity.id} was tried again`);
    }
  }
}

const assertUntouched = async () => {
  assert.equal(hits, 0, 'somebody called the address that the files name');
  assert.equal(await stack.pid('transcode-worker'), worker, 'the worker lives on');
};

test('children run in a sandbox, and the worker says so', async () => {
  const said = (await stack.logs('transcode-worker')).filter((l) => l.msg === 'sandbox of child processes').at(-1);
  assert.match(said.layers, /no_new_privileges=yes system_call_filter=yes/);
});

test('playlists, lists, descriptions and links are never followed, and named', async () => {
  const http = `http://127.0.0.1:${port}`;
  const notAVideo = (what) => ['media.not_a_video', new RegExp(`^This is ${what}, not a video; upload the media file itself\\.$`)];
  await expectRefused([
    ['hls-http.mp4', `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n${http}/a.ts\n#EXT-X-ENDLIST\n`, ...notAVideo('a playlist \\(hls\\)')],
    ['hls-file.mp4', '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n', ...notAVideo('a playlist \\(hls\\)')],
    ['concat.mp4', `ffconcat version 1.0\nfile '${http}/a.mp4'\nfile 'file:///etc/passwd'\n`, ...notAVideo('a list of files \\(concat\\)')],
    ['session.mp4', 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n', ...notAVideo('a session description \\(sdp\\)')],
    ['dash.mp4', `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>${http}/</BaseURL></MPD>`, ...notAVideo('a playlist \\(dash\\)')],
    ['asx.asf', `<asx version="3.0"><entry><ref href="${http}/a.asf"/></entry></asx>`, ...notAVideo('a playlist \\(asx\\)')],
    ['reference.asf', `[Reference]\r\nRef1=${http}/a.asf\r\n`, ...notAVideo('a playlist \\(asx\\)')],
    ['link.mov', `rtsp://127.0.0.1:${port}/a`, ...notAVideo('a link \\(rtsp\\)')],
    ['file.mov', 'file:///etc/passwd', ...notAVideo('a link \\(file\\)')],
    ['svg.mp4', `<svg xmlns="http://www.w3.org/2000/svg"><image href="${http}/a.png"/></svg>`, ...notAVideo('a picture \\(svg\\)')],
    ['pattern.mp4', 'frame%03d.png', 'media.unreadable', /video/],
  ]);
  await assertUntouched();
});

test('a video that lies in other files is refused', async () => {
  const words = /never opened; upload a self-contained file/;
  await expectRefused([
    ['dref-http.mov', dref(box('url ', big32(0), `http://127.0.0.1:${port}/a.mov\0`)), 'media.external_reference', words],
    ['dref-file.mov', dref(box('url ', big32(0), 'file:///etc/passwd\0')), 'media.external_reference', words],
    ['alias.mov', dref(box('alis', big32(0), 'p'.repeat(200))), 'media.external_reference', words],
    ['reference-movie.mov', box('moov', box('rmra', box('rmda', box('rdrf', big32(0), 'url ', big32(30), `http://127.0.0.1:${port}/a.mov`)))), 'media.external_reference', words],
  ]);
  await assertUntouched();
});

test('what is attached to a video is not looked at', async () => {
  const attached = path.join(folder, 'attached.m3u8');
  await writeFile(attached, `#EXTM3U\n#EXTINF:4,\nhttp://127.0.0.1:${port}/a.ts\n`);
  const bytes = await video('attached.mkv', '-c:v', 'libx264', '-preset', 'ultrafast', '-attach', attached, '-metadata:s:t', 'mimetype=application/x-mpegurl');
  await stack.reach(await upload('attachment.mkv', bytes), ['READY'], { timeout: 120_000 });
  await assertUntouched();
});

test('bombs go off in nobody\'s hands', async () => {
  const mp4 = await video('small.mp4', '-c:v', 'mpeg4', '-video_track_timescale', '1000', '-movflags', '+faststart');
  const jpegs = await video('jpegs.mp4', '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-movflags', '+faststart');
  const entry = jpegs.indexOf('mp4v', jpegs.indexOf('stsd'));
  const huge = replaceAt(jpegs, entry + 4 + 24, Buffer.from([0xff, 0xff, 0xff, 0xff]));
  // Fifteen pictures that are said to last twenty minutes each; no edit list, which would tell the truth.
  let hours = Buffer.from(mp4);
  if (hours.includes('edts')) hours = replaceAt(hours, hours.indexOf('edts'), Buffer.from('free'));
  hours = replaceAt(hours, hours.indexOf('mdhd') + 20, big32(18_000_000));
  hours = replaceAt(hours, hours.indexOf('stts') + 12, Buffer.concat([big32(15), big32(1_200_000)]));
  let deep = box('free', '');
  for (let i = 0; i < 3000; ++i) deep = box(i % 2 ? 'mdia' : 'trak', deep);
  const ihdr = Buffer.concat([big32(13), Buffer.from('IHDR'), big32(65535), big32(65535), Buffer.from([8, 6, 0, 0, 0]), big32(0)]);
  await expectRefused([
    ['65535x65535.mp4', huge, 'media.too_large', /65535x65535; at most 8192 pixels a side/],
    ['hours.mp4', hours, 'media.too_long', /neither video nor audio.*VORA_MAX_SOURCE_GAP/],
    ['tracks.mp4', Buffer.concat([ftyp(), box('moov', ...Array.from({ length: 5000 }, () => box('trak')))]), 'media.too_large', /tracks.*VORA_MAX_SOURCE_STREAMS/],
    ['crumbs.mp4', Buffer.concat([ftyp(), box('moov', ...Array.from({ length: 30_000 }, () => box('free')))]), 'media.too_large', /boxes/],
    ['index.mp4', Buffer.concat([ftyp(), big32(0xfffffff0), Buffer.from('moov'), Buffer.alloc(2000)]), 'media.too_large', /VORA_MAX_SOURCE_HEADER/],
    ['packed.mov', Buffer.concat([ftyp(), box('moov', box('cmov', box('dcom', 'zlib'), box('cmvd', big32(0xf0000000), 'x'.repeat(100))))]), 'media.too_large', /VORA_MAX_SOURCE_HEADER/],
    ['deep.mp4', Buffer.concat([ftyp(), box('moov', deep)]), 'media.unreadable', /video|index/],
    ['bomb.png', Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ihdr]), 'media.not_a_video', /a picture \(png\)/],
    ['bomb.gif', Buffer.concat([Buffer.from('GIF89a'), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xf7, 0, 0]), Buffer.alloc(800)]), 'media.not_a_video', /a picture \(gif\)/],
  ]);
  await assertUntouched();
});

test('and a video like any other is READY afterwards', async () => {
  const { video_id } = await stack.upload(await source({ seconds: 6, width: 640, height: 360 }));
  await stack.reach(video_id, ['READY'], { timeout: 120_000 });
  await assertUntouched();
});
