// What videos are encoded as: made, changed, previewed and chosen, over the command line, REST, gRPC and the pages.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { launch, openPage } from '../env/browser.mjs';
import { call, grpc, insecure, load } from '../env/grpc.mjs';
import { packets, packetsOf, parsePlaylist, probe, source } from '../env/media.mjs';
import { root, Stack, until } from '../env/stack.mjs';

const stack = new Stack('ladders', 28480, { VORA_REPLACED_GRACE: '20s' });
let file, browser;

before(async () => {
  await stack.reset();
  file = await source({ seconds: 6, width: 640, height: 360 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await stack.down();
});

const cli = async (...args) => {
  const answer = await stack.cli(['--json', ...args]);
  assert.equal(answer.code, 0, answer.stderr);
  return answer.json.at(-1);
};
const put = async (name, ladder) => {
  const file = path.join(stack.home, `${name}.json`);
  await writeFile(file, JSON.stringify(ladder));
  return cli('ladders', 'put', name, file);
};
const renditions = (video) => video.renditions.map(({ name }) => name).sort();

test('the command line makes, changes, previews and deletes a ladder, and uploads by it', async () => {
  const { ladders } = await cli('ladders');
  assert.deepEqual(ladders.map(({ name }) => name), ['4k', 'archive', 'audio-only', 'default', 'hd', 'mobile']);
  assert.deepEqual(ladders.filter(({ is_default: chosen }) => chosen).map(({ name }) => name), ['default']);
  const made = await put('web', { description: 'For the web', rungs: [{ height: 180, max_bitrate: 300_000 }, { height: 360, max_bitrate: 800_000 }] });
  assert.equal(made.version, 1);
  const { tracks, left_out: left } = await cli('ladders', 'preview', 'web', '--width', '320', '--height', '240', '--silent');
  assert.deepEqual(tracks.map(({ name, width, height }) => [name, width, height]), [['180p', 240, 180]]);
  assert.deepEqual(left, ['360p']);
  const { video_id: id } = await cli('upload', '--ladder', 'web', file);
  const video = await stack.reach(id);
  assert.deepEqual([video.ladder, video.ladder_version], ['web', 1]);
  assert.deepEqual(renditions(video), ['180p', '360p', 'audio_0']);
  // A change is for videos from now on.
  const changed = await put('web', { ...made, rungs: [made.rungs[0]] });
  assert.equal(changed.version, 2);
  const { ladder_version: kept } = await stack.video(id);
  assert.equal(kept, 1);
  const person = await stack.cli(['ladders', 'preview', 'web', '--video', id]);
  assert.equal(person.code, 0, person.stderr);
  assert.match(person.stdout, /180p +320x180 +300 kb\/s/);
  await cli('ladders', 'delete', 'web');
  const late = await stack.cli(['upload', '--ladder', 'web', file]);
  assert.equal(late.code, 1);
  assert.match(late.stderr, /there is no ladder "web"/);
});

test('mistakes name the field and its limit over every interface', async () => {
  const bad = path.join(stack.home, 'bad.json');
  await writeFile(bad, JSON.stringify({ rungs: [{ height: 9000, max_bitrate: 800_000 }] }));
  const refused = await stack.cli(['ladders', 'put', 'bad', bad]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /rungs\[0\]\.height: must be 64 to 4320, not 9000/);
  const { LadderService } = load('vora/metadata/v1/ladders.proto').vora.metadata.v1;
  const service = new LadderService(`127.0.0.1:${stack.portBase + 1002}`, insecure());
  await assert.rejects(call(service, 'PutLadder', { ladder: { name: 'bad', rungs: [{ height: 360 }] } }), (error) => {
    assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
    assert.match(error.details, /rungs\[0\]\.max_bitrate: must be 50000 to 200000000, not 0/);
    return true;
  });
  const { ladders } = await call(service, 'ListLadders', {});
  assert.ok(!ladders.some(({ ladder }) => ladder.name === 'bad'));
  service.close();
});

test('the sound alone is a presentation that players play', async () => {
  const { video_id: id } = await cli('upload', '--ladder', 'audio-only', file);
  const video = await stack.reach(id);
  assert.deepEqual(renditions(video), ['audio_0']);
  const master = await (await stack.fetch(video.hls_url)).text();
  assert.doesNotMatch(master, /RESOLUTION/);
  const list = parsePlaylist(await (await stack.fetch(`${stack.edge}/v/${id}/audio_0/playlist.m3u8`)).text());
  assert.ok(list.ended);
  for (const url of [video.hls_url, video.dash_url]) {
    const { streams } = await probe(url, ['-show_streams']);
    assert.deepEqual(streams.map(({ codec_type: type }) => type), ['audio'], url);
  }
  const sound = await packets(`${stack.edge}/v/${id}/audio_0/playlist.m3u8`, 'a');
  assert.ok(sound.length > 270, `${sound.length} packets of 6 s`);
  const { page, errors } = await openPage(browser, video.watch_url);
  await page.getByTestId('player-start').click();
  await until('it to play', () => page.getByTestId('player-video').evaluate((media) => media.currentTime > 1));
  assert.deepEqual(errors, []);
  await page.close();
});

test('the ladder archive also makes one mp4 file, which is fetched by ranges and downloaded on the page', async () => {
  const { tracks, mp4_max_bytes: most } = await cli('ladders', 'preview', 'archive', '--width', '640', '--height', '360', '--seconds', '6');
  const { video_id: id } = await cli('upload', '--ladder', 'archive', file);
  const video = await stack.reach(id);
  const [{ url }] = video.parts.filter(({ name }) => name === 'mp4');
  assert.equal((await cli('play-url', '--kind', 'mp4', id)).url, url);
  const whole = await stack.fetch(url);
  assert.deepEqual([whole.status, whole.headers.get('content-type'), whole.headers.get('x-cache')], [200, 'video/mp4', null]);
  const bytes = Buffer.from(await whole.arrayBuffer());
  assert.ok(bytes.length <= most, `${bytes.length} of ${most}`);
  assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'), 'it begins to play before it is all there');
  const part = await stack.fetch(url, { headers: { range: 'bytes=1000-1999' } });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 1000-1999/${bytes.length}`]);
  assert.ok(bytes.subarray(1000, 2000).equals(Buffer.from(await part.arrayBuffer())));
  // The same samples at the same times as the streams have.
  const largest = tracks.filter(({ kind }) => kind === 'video').at(-1).name;
  const kept = path.join(stack.home, 'download.mp4');
  await writeFile(kept, bytes);
  const of = (list) => list.map(({ pts, size }) => `${pts.toFixed(3)} ${size}`);
  for (const [type, track] of [['v', largest], ['a', 'audio_0']]) {
    assert.deepEqual(of(await packetsOf(kept, type)), of(await packets(`${stack.edge}/v/${id}/${track}/playlist.m3u8`, type)), track);
  }
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${id}`);
  const download = page.waitForEvent('download');
  await page.getByTestId('download-mp4').click();
  assert.equal((await download).suggestedFilename(), `${video.title}.mp4`);
  assert.ok(bytes.equals(await readFile(await (await download).path())));
  assert.deepEqual(errors, []);
  await page.close();
  // A ladder without it has none, and whatever was is gone after the grace.
  await stack.cli(['encode', id, '--ladder', 'mobile']);
  assert.deepEqual((await stack.video(id)).parts.map(({ name }) => name), ['storyboard']);
  const none = await stack.cli(['play-url', '--kind', 'mp4', id]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /the video has no mp4 file: it is READY, of the ladder mobile/);
  await until('the file to be gone', async () => (await stack.fetch(`http://127.0.0.1:${stack.portBase + 3}/v/${id}/download.mp4`)).status === 404, { timeout: 60_000 });
});

test('a video is encoded anew beside what is played, which it takes the place of at once; what was replaced goes', async () => {
  const { video_id: id } = await cli('upload', file);
  const first = await stack.reach(id);
  const folder = path.join(stack.home, 'objects', 'processed', id);
  const before = (await readdir(folder)).sort();
  const { page, errors } = await openPage(browser, first.watch_url);
  await page.getByTestId('player-start').click();
  await until('it to play', () => page.getByTestId('player-video').evaluate((media) => media.currentTime > 0.5));
  const person = await stack.cli(['encode', id, '--ladder', 'mobile']);
  assert.equal(person.code, 0, person.stderr);
  assert.match(person.stdout, /Players get it from now on/);
  const video = await stack.video(id);
  assert.deepEqual([video.state, video.revision, video.ladder], ['READY', 2, 'mobile']);
  assert.deepEqual(renditions(video), ['240p', '360p', 'audio_0']);
  // Whoever plays on does so with what there was; whoever begins gets the new one.
  await until('it to end', () => page.getByTestId('player-video').evaluate((media) => media.currentTime > 5.9));
  assert.deepEqual(errors, []);
  await page.close();
  // Asked of the gateway: the edge may keep what it was told of a finished video for a minute.
  const gateway = `http://127.0.0.1:${stack.portBase + 3}/v/${id}`;
  await until('the gateway to know', async () => /r2\/240p/.test(await (await stack.fetch(`${gateway}/master.m3u8`)).text()), { timeout: 10_000 });
  for (const url of [`${gateway}/master.m3u8`, `${gateway}/manifest.mpd`]) {
    const { streams } = await probe(url, ['-show_streams']);
    const heights = streams.filter(({ codec_type: type }) => type === 'video').map(({ height }) => height).sort();
    assert.deepEqual(heights, [240, 360], url);
  }
  const pictures = await packets(`${stack.edge}/v/${id}/r2/360p/playlist.m3u8`, 'v');
  assert.equal(pictures.length, 180, 'every frame of 6 s');
  assert.equal((await stack.fetch(video.poster_url)).status, 200);
  await until('what was replaced to be gone', async () => (await readdir(folder)).join() === 'r2', { timeout: 60_000 });
  assert.ok(before.includes('720p') || before.includes('360p'));
  assert.equal((await stack.fetch(`${stack.edge}/v/${id}/r2/240p/seg_0.m4s`)).status, 200);
  // Nobody sees a second video.
  assert.equal((await stack.api('GET', '/v1/videos?page_size=200')).json.videos.filter(({ filename, video_id: other }) => other === id || filename === video.filename && other > id).length, 1);
  // One that is stopped leaves nothing behind.
  const begun = await stack.api('POST', `/v1/videos/${id}/encodes`, { ladder: 'hd' });
  assert.equal(begun.status, 202, JSON.stringify(begun.json));
  const refused = await stack.api('POST', `/v1/videos/${id}/encodes`, { ladder: 'default' });
  assert.equal(refused.status, 409);
  const stopped = await stack.cli(['encodes', id, '--cancel', '3']);
  assert.equal(stopped.code, 0, stopped.stderr);
  await until('it to have stopped', async () => (await cli('encodes', id)).encodes[0].state === 'CANCELLED');
  await until('nothing of it', async () => (await readdir(folder)).join() === 'r2', { timeout: 60_000 });
  const { VideoService } = load('vora/metadata/v1/metadata.proto').vora.metadata.v1;
  const service = new VideoService(`127.0.0.1:${stack.portBase + 1002}`, insecure());
  await assert.rejects(call(service, 'EncodeVideo', { video_id: id, ladder: 'none' }), { code: grpc.status.INVALID_ARGUMENT });
  assert.deepEqual((await call(service, 'ListEncodes', { video_id: id })).encodes.map(({ state }) => state), ['VIDEO_STATE_CANCELLED', 'VIDEO_STATE_READY']);
  service.close();
});

test('the page encodes a video anew', async () => {
  const { video_id: id } = await cli('upload', '--ladder', 'mobile', file);
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${id}`, { viewport: { width: 400, height: 900 } });
  await page.getByTestId('encode').click();
  await page.getByTestId('ladder-select').selectOption('audio-only');
  await page.getByTestId('dialog-confirm').click();
  await until('it to be the one that players get', async () => (await page.getByTestId('encode-2').getAttribute('data-state')) === 'READY' && /players get this one/.test(await page.getByTestId('encode-2').innerText()));
  assert.deepEqual(renditions(await stack.video(id)), ['audio_0']);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it fits a phone');
  assert.deepEqual(errors, []);
  await page.close();
});

test('the page makes a ladder, shows what becomes of a video, and uploads by it, also on a phone', async () => {
  const axe = await readFile(`${root}/tests/node_modules/axe-core/axe.min.js`, 'utf8');
  const { page, errors } = await openPage(browser, `${stack.edge}/ladders`, { viewport: { width: 400, height: 900 } });
  const by = (id) => page.getByTestId(id);
  const fine = async () => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(violations.map((violation) => `${violation.id}: ${violation.nodes[0].html}`), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it fits a phone');
  };
  await by('ladder-hd').waitFor();
  await fine();
  await by('ladder-mobile').getByTestId('copy-ladder').click();
  await by('ladder-editor').waitFor();
  await by('ladder-name').fill('page');
  await by('ladder-description').fill('Made in the page');
  await by('rung').first().getByLabel('Height').fill('9999');
  await until('what is wrong', async () => /rungs\[2\]\.height: must be 64 to 4320/.test(await by('preview-problem').innerText()));
  await by('rung').first().getByLabel('Height').fill('2160');
  await by('rung').first().getByLabel('At most').fill('90000');
  await until('the warning', async () => /90 Mbit\/s is more than most networks carry/.test(await by('ladder-preview').innerText()) || (await by('preview-source').selectOption('1'), false));
  await by('rung').first().getByTestId('remove-rung').click();
  await by('preview-source').selectOption({ label: '1080 × 1920, a phone held upright' });
  await until('the preview', async () => /480 × 854/.test(await by('preview-480p').innerText()));
  await fine();
  await by('save-ladder').click();
  await by('ladder-page').getByTestId('default-ladder').click();
  await by('ladder-page').getByTestId('is-default').waitFor();
  await page.goto(`${stack.edge}/upload`);
  await by('ladder-select').selectOption('audio-only');
  const before = (await stack.api('GET', '/v1/videos')).json.videos.length;
  await by('file-input').setInputFiles(file);
  const video = await until('its video', async () => {
    const { videos } = (await stack.api('GET', '/v1/videos')).json;
    return videos.length > before && videos[0];
  });
  assert.equal(video.ladder, 'audio-only');
  await stack.reach(video.video_id);
  // What says nothing gets the default.
  const { video_id: id } = await cli('upload', '--no-wait', file);
  assert.equal((await stack.video(id)).ladder, 'page');
  await page.goto(`${stack.edge}/ladders`);
  await by('ladder-default').getByTestId('default-ladder').click();
  await by('ladder-default').getByTestId('is-default').waitFor();
  await by('ladder-page').getByTestId('delete-ladder').click();
  await by('dialog-confirm').click();
  await until('it to be gone', async () => (await by('ladder-page').count()) === 0);
  assert.deepEqual(errors.filter((error) => !/400/.test(error)), []);   // the browser tells of the refused preview by itself
  await page.close();
});
