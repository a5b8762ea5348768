import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { launch, openPage, servePages } from '../env/browser.mjs';
import { assertContinuous, packets, parsePlaylist, source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { until } from '../env/stack.mjs';
import { stack } from './stack.mjs';

const seconds = 20;
let browser, pages, file, video, shots;

before(async () => {
  await stack.up();
  file = await source({ seconds });
  browser = await launch();
  pages = await servePages();
  shots = path.join(stack.home, 'screenshots');
  await mkdir(shots, { recursive: true });
});
after(async () => {
  await browser?.close();
  await pages?.close();
});

test('the command line uploads a file, follows it and says where to watch it', async () => {
  const result = await stack.cli(['upload', '--title', 'From the command line', file]);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /upload {4}\[#{24}\] 100 %/);
  assert.match(result.stderr, /360p .*100 % {2}DONE/);
  const id = /^Video ([0-9a-f]{32})$/m.exec(result.stdout)?.[1];
  assert.ok(id, result.stdout);
  assert.match(result.stdout, new RegExp(`Ready\\. Watch it at ${stack.edge}/watch/${id}`));
  video = await stack.video(id);
  assert.equal(video.title, 'From the command line');
  assert.deepEqual(video.renditions.map((r) => r.name).sort(), ['1080p', '360p', '720p', 'audio_0']);
  assert.ok(Math.abs(video.duration_seconds - seconds) < 0.1, `${video.duration_seconds}`);
  assert.equal(video.progress_percent, 100);
  await assertNothingLostOrDoneTwice(stack, id, file, { frames: seconds * 30 });
});

test('keyframes stand at the same times in every rendition, over chunk borders without gaps, and audio fits', async () => {
  const base = `${stack.edge}/v/${video.video_id}`;
  const lists = {};
  for (const name of ['360p', '720p', '1080p']) {
    lists[name] = await packets(`${base}/${name}/playlist.m3u8`, 'v');
    assert.ok(Math.abs(lists[name][0].pts) < 0.001, `${name} begins at ${lists[name][0].pts}`);
    const end = assertContinuous(lists[name], name);
    assert.ok(Math.abs(end - seconds) < 0.05, `${name} ends at ${end}`);
    const media = parsePlaylist(await (await stack.fetch(`${base}/${name}/playlist.m3u8`)).text());
    assert.ok(Math.abs(media.segments.reduce((sum, s) => sum + s.duration, 0) - seconds) < 0.05, name);
    assert.ok(media.segments.every((s) => Math.round(s.duration) <= media.target), name);
    assert.equal(media.type, 'VOD');
    // Each segment begins with a keyframe.
    let at = 0;
    for (const segment of media.segments) {
      const first = lists[name].find((p) => p.pts >= at - 0.001);
      assert.ok(first.key, `${name}: the segment at ${at} s does not begin with a keyframe`);
      at += segment.duration;
    }
  }
  const keys = (name) => lists[name].filter((p) => p.key).map((p) => p.pts.toFixed(3));
  assert.ok(keys('360p').length >= 10);
  assert.deepEqual(keys('720p'), keys('360p'));
  assert.deepEqual(keys('1080p'), keys('360p'));

  const audio = await packets(`${base}/audio_0/playlist.m3u8`, 'a');
  const end = assertContinuous(audio, 'audio_0');
  assert.ok(Math.abs(audio[0].pts) < 0.05, `audio begins at ${audio[0].pts}`);
  assert.ok(Math.abs(end - seconds) < 0.05, `audio ends at ${end}`);
});

test('the master playlist declares each rendition truly', async () => {
  const master = await (await stack.fetch(`/v/${video.video_id}/master.m3u8`)).text();
  assert.match(master, /^#EXTM3U/);
  const variants = [...master.matchAll(/#EXT-X-STREAM-INF:(.*)\n(.*)/g)].map(([, attributes, uri]) => ({
    uri,
    ...Object.fromEntries([...attributes.matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g)].map(([, k, v]) => [k, v.replaceAll('"', '')])),
  }));
  assert.equal(variants.length, 3);
  for (const variant of variants) {
    assert.match(variant.RESOLUTION, /^(640x360|1280x720|1920x1080)$/);
    assert.equal(variant['FRAME-RATE'], '30.000');
    assert.match(variant.CODECS, /^avc1\.[0-9A-Fa-f]{6},mp4a\.40\.2$/);
    const name = variant.uri.split('/').at(-2);
    const bytes = (n) => Number(n);
    // BANDWIDTH is the peak over the segments, AVERAGE-BANDWIDTH the whole, both with the audio.
    let peak = 0, total = 0;
    for (const track of [name, 'audio_0']) {
      const playlist = parsePlaylist(await (await stack.fetch(`/v/${video.video_id}/${track}/playlist.m3u8`)).text());
      let trackPeak = 0;
      for (const segment of playlist.segments) {
        const head = await stack.fetch(`/v/${video.video_id}/${track}/${segment.uri}`, { method: 'HEAD' });
        const size = bytes(head.headers.get('content-length'));
        total += size * 8;
        if (segment.duration > playlist.target * 0.5) trackPeak = Math.max(trackPeak, (size * 8) / segment.duration);
      }
      peak += trackPeak;
    }
    assert.ok(bytes(variant.BANDWIDTH) <= peak * 1.1, `${name}: BANDWIDTH ${variant.BANDWIDTH} is far above the peak ${peak}`);
    assert.ok(bytes(variant.BANDWIDTH) >= peak * 0.98, `${name}: BANDWIDTH ${variant.BANDWIDTH} is below the peak ${peak}`);
    assert.ok(Math.abs(bytes(variant['AVERAGE-BANDWIDTH']) - total / seconds) < (total / seconds) * 0.05, `${name}: AVERAGE-BANDWIDTH ${variant['AVERAGE-BANDWIDTH']}, measured ${total / seconds}`);
  }
});

for (const [height, width] of [[360, 640], [720, 1280], [1080, 1920]]) {
  test(`hls.js in Chromium decodes the ${height}p rendition`, async () => {
    const { page, errors } = await openPage(browser, 'about:blank');
    const src = `${stack.edge}/v/${video.video_id}/master.m3u8`;
    const level = [360, 720, 1080].indexOf(height);
    await page.goto(`${pages.url}/hls.html?src=${encodeURIComponent(src)}&level=${level}`);
    const seen = await until(`${height}p to play`, async () => {
      const now = await page.evaluate(() => {
        const v = document.getElementById('video');
        return { time: v.currentTime, frames: v.getVideoPlaybackQuality().totalVideoFrames, width: v.videoWidth, height: v.videoHeight, levels: window.levels, events: window.events, error: v.error?.message };
      });
      assert.deepEqual(now.events.filter((e) => e.fatal), []);
      return now.time > 5 && now.height === height ? now : null;
    }, { timeout: 60_000 });
    assert.equal(seen.width, width);
    assert.equal(seen.levels.length, 3);
    assert.ok(seen.frames > 60, `${seen.frames} frames decoded`);
    // Over the last chunk border to the end.
    await page.evaluate((end) => { const v = document.getElementById('video'); v.currentTime = end - 2; return v.play(); }, seconds);
    await until('the end', () => page.evaluate(() => document.getElementById('video').ended), { timeout: 30_000 });
    await page.screenshot({ path: path.join(shots, `hls-${height}p.png`) });
    assert.deepEqual(errors, []);
    await page.close();
  });
}

test('shaka-player in Chromium plays the DASH manifest', async () => {
  const src = `${stack.edge}/v/${video.video_id}/manifest.mpd`;
  const { page, errors } = await openPage(browser, `${pages.url}/dash.html?src=${encodeURIComponent(src)}`);
  const seen = await until('DASH to play', async () => {
    const now = await page.evaluate(() => ({ time: document.getElementById('video').currentTime, frames: document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames, duration: document.getElementById('video').duration, tracks: window.tracks, events: window.events }));
    assert.deepEqual(now.events, []);
    return now.time > 5 ? now : null;
  }, { timeout: 60_000 });
  assert.deepEqual(seen.tracks.map((t) => t.height).sort((a, b) => a - b), [360, 720, 1080]);
  assert.ok(Math.abs(seen.duration - seconds) < 0.1, `${seen.duration}`);
  assert.ok(seen.frames > 60);
  await page.screenshot({ path: path.join(shots, 'dash.png') });
  assert.deepEqual(errors, []);
  await page.close();
});

test('the watch page plays through the edge, on a desktop and on a phone', async () => {
  for (const [name, viewport] of [['desktop', { width: 1280, height: 800 }], ['phone', { width: 390, height: 844 }]]) {
    const { page, errors } = await openPage(browser, `${stack.edge}/watch/${video.video_id}`, { viewport });
    await page.locator('video').waitFor();
    await page.evaluate(() => { document.querySelector('video').muted = true; });
    await page.getByTestId('player-start').click();
    await until('the watch page to play', () => page.evaluate(() => document.querySelector('video').currentTime > 1.5), { timeout: 60_000 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= viewport.width, `the page is ${width} wide on a ${viewport.width} wide screen`);
    await page.screenshot({ path: path.join(shots, `watch-${name}.png`), fullPage: true });
    assert.deepEqual(errors, []);
    await page.close();
  }
});

test('tus-js-client in Chromium uploads a file that then plays while it is processed', async () => {
  const small = await source({ seconds: 12, width: 1280, height: 720, rate: '30000/1001' });
  const { page, errors } = await openPage(browser, `${pages.url}/upload.html?endpoint=${encodeURIComponent(stack.uploads)}`);
  await page.locator('#file').setInputFiles(small);
  const result = await until('the upload', () => page.evaluate(() => window.result ?? null), { timeout: 60_000 });
  assert.equal(result.error, undefined, result.error);
  assert.deepEqual(errors, []);
  const uploadId = result.url.split('/').at(-1);
  const created = await until('its video', async () => {
    const answer = await stack.api('POST', '/v1/videos', { upload_id: uploadId });
    return answer.status < 300 ? answer.json : null;
  });
  const partial = await until('it to be playable', async () => {
    const now = await stack.video(created.video_id);
    return now.playable ? now : null;
  }, { every: 50 });
  assert.notEqual(partial.state, 'READY', 'it can be played before it is finished');
  const src = `${stack.edge}/v/${partial.video_id}/master.m3u8`;
  await page.goto(`${pages.url}/hls.html?src=${encodeURIComponent(src)}`);
  await until('it to play to the end', () => page.evaluate(() => document.getElementById('video').ended), { timeout: 90_000 });
  const ready = await stack.reach(created.video_id);
  assert.deepEqual(ready.renditions.map((r) => r.name).sort(), ['360p', '720p', 'audio_0'], 'never upscaled');
  assert.equal(ready.filename, path.basename(small));
  await page.close();
});
