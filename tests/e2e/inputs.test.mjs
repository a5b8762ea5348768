// Files as they come from cameras, editors and broadcasters: what is put right, what is left out, and that it is told.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { launch, openPage } from '../env/browser.mjs';
import { probe } from '../env/media.mjs';
import { root, run, Stack, until } from '../env/stack.mjs';

const stack = new Stack('inputs', 29880);
let browser;

before(async () => {
  await stack.reset();
  await mkdir(path.join(stack.home, 'sources'), { recursive: true });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await stack.down();
});

const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=4'];
const tone = (frequency) => ['-f', 'lavfi', '-i', `sine=frequency=${frequency}:sample_rate=48000:duration=4`];
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50'];

async function ready(name, ...args) {
  const file = path.join(stack.home, 'sources', name);
  const made = await run('ffmpeg', ['-v', 'error', '-y', ...args, file]);
  assert.equal(made.code, 0, made.stderr);
  const uploaded = await stack.cli(['--json', 'upload', '--ladder', 'mobile', file]);
  assert.equal(uploaded.code, 0, uploaded.stderr);
  return stack.video(uploaded.json.at(-1).video_id);
}

// The strongest frequency of a track, in Hz.
async function pitch(url) {
  const pcm = path.join(stack.home, 'sources', 'pitch.f32');
  const decoded = await run('ffmpeg', ['-v', 'error', '-y', '-i', url, '-ac', '1', '-ar', '48000', '-f', 'f32le', pcm]);
  assert.equal(decoded.code, 0, decoded.stderr);
  const bytes = await readFile(pcm);
  const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice(48000, 2 * 48000);
  let crossings = 0;
  for (let i = 1; i < samples.length; i += 1) crossings += samples[i - 1] < 0 !== samples[i] < 0 ? 1 : 0;
  return crossings / 2;
}

test('the film\'s own sound is heard, its commentary and other languages can be chosen in the player', async () => {
  const video = await ready('sounds.mkv', ...picture, ...tone(440), ...tone(1000), ...tone(600), '-map', '0:v', '-map', '1:a', '-map', '2:a', '-map', '3:a', ...x264, '-c:a', 'aac',
    '-metadata:s:a:1', 'language=eng', '-metadata:s:a:2', 'language=ger', '-disposition:a:0', 'comment', '-disposition:a:1', 'default', '-disposition:a:2', '0');
  assert.deepEqual(video.renditions.filter(({ height }) => height === 0).map(({ name, label, language, role }) => [name, label, language, role]),
    [['audio_0', 'English', 'en', ''], ['audio_1', 'Deutsch', 'de', ''], ['audio_2', 'Commentary', '', 'commentary']]);
  for (const [track, hertz] of [['audio_0', 1000], ['audio_1', 600], ['audio_2', 440]]) {
    const heard = await pitch(`${stack.edge}/v/${video.video_id}/${track}/playlist.m3u8`);
    assert.ok(Math.abs(heard - hertz) < 5, `${track}: ${heard} Hz`);
  }
  const master = await (await stack.fetch(video.hls_url)).text();
  assert.match(master, /NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES/);
  assert.match(master, /NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES/);
  assert.match(master, /NAME="Commentary",DEFAULT=NO,AUTOSELECT=NO/);
  const { streams } = await probe(video.dash_url, ['-show_streams']);
  assert.deepEqual(streams.filter(({ codec_type: type }) => type === 'audio').map(({ tags }) => tags?.language ?? ''), ['en', 'de', '']);

  const axe = await readFile(`${root}/tests/node_modules/axe-core/axe.min.js`, 'utf8');
  const { page, errors } = await openPage(browser, video.watch_url, { viewport: { width: 400, height: 800 } });
  const fetched = new Set();
  page.on('request', (request) => fetched.add(/\/(audio_\d)\/seg_/.exec(request.url())?.[1]));
  await page.getByTestId('player-start').click();
  await until('the sound of the film', async () => fetched.has('audio_0'));
  await page.getByTestId('player-sound-menu').click();
  const menu = page.getByRole('menu', { name: 'Audio' });
  assert.deepEqual(await menu.getByRole('menuitemradio').allInnerTexts(), ['English', 'Deutsch', 'Commentary']);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((violation) => `${violation.id}: ${violation.nodes[0].html}`), []);
  await menu.getByRole('menuitemradio', { name: 'Deutsch' }).click();
  await until('the other language', async () => fetched.has('audio_1'));
  assert.ok(!fetched.has('audio_2'));
  await until('the button to say so', async () => /Deutsch/.test(await page.getByTestId('player-sound-menu').getAttribute('aria-label')));
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it fits a phone');
  // It is remembered, also for other videos.
  await page.reload();
  await page.getByTestId('player-start').click();
  await until('the language that was chosen', async () => /Deutsch/.test(await page.getByTestId('player-sound-menu').getAttribute('aria-label')));
  assert.deepEqual(errors, []);
  await page.close();
});

test('a sound track without a sound is left out, and the video says so', async () => {
  const video = await ready('empty.webm', ...picture, ...tone(440), '-filter_complex', '[1:a]aselect=0[a]', '-map', '0:v', '-map', '[a]', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus');
  assert.equal(video.state, 'READY');
  assert.deepEqual(video.warnings, ['Audio track 1 (opus) is empty, and is left out.']);
  assert.ok(video.renditions.every(({ height, state }) => height > 0 && state === 'DONE'));
});

test('ten channels without a place become stereo', async () => {
  const video = await ready('ten.mkv', ...picture, '-f', 'lavfi', '-i', "aevalsrc='0.5*sin(2*PI*1000*t)|0|0|0|0|0|0|0|0|0':s=48000:d=4", ...x264, '-c:a', 'pcm_s16le');
  assert.equal(video.state, 'READY');
  assert.ok(Math.abs((await pitch(`${stack.edge}/v/${video.video_id}/audio_0/playlist.m3u8`)) - 1000) < 5);
});

test('an encrypted file is called that at once', async () => {
  const file = path.join(stack.home, 'sources', 'locked.mp4');
  const made = await run('ffmpeg', ['-v', 'error', '-y', ...picture, ...x264, '-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', '76a6c65c5ea762046bd749a2e632ccbb', '-encryption_kid', 'a7e61c373e219033c21091fa607bf3b8', file]);
  assert.equal(made.code, 0, made.stderr);
  const { stderr, stdout, code } = await stack.cli(['upload', file]);
  assert.equal(code, 1);
  assert.match(stderr + stdout, /The picture is encrypted; upload the file without its protection/);
});
