// The console as people use it, in a real browser: upload, watch it being processed, play, seek, change the quality, and see the own view
// in the numbers. Every page is photographed (light, dark, phone) and checked for accessibility.
import assert from 'node:assert/strict';
import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { chooseInPlayer, launch, openPage, servePages } from '../env/browser.mjs';
import { source, withCaptions } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice, history } from '../env/proof.mjs';
import { root, until } from '../env/stack.mjs';
import { stack } from './stack.mjs';

const seconds = 24;
let browser, pages, file, video, shots, axe;

before(async () => {
  await stack.up();
  file = await source({ seconds, width: 1280, height: 720 });
  browser = await launch();
  pages = await servePages();
  shots = path.join(stack.home, 'screenshots');
  await mkdir(shots, { recursive: true });
  axe = await readFile(path.join(root, 'tests/node_modules/axe-core/axe.min.js'), 'utf8');
});
after(async () => {
  await browser?.close();
  await pages?.close();
});

const by = (page, id) => page.getByTestId(id);
const mediaOf = (page) => page.evaluate(() => {
  const media = document.querySelector('video');
  return media && { time: media.currentTime, height: media.videoHeight, paused: media.paused, ended: media.ended, ready: media.readyState };
});
const reaches = (page, what, test) => until(what, async () => {
  const media = await mediaOf(page);
  return media && test(media) ? media : null;
}, { timeout: 60_000, every: 50 });

async function assertAccessible(page, name) {
  // The page's own policy forbids foreign scripts; the driver may evaluate.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`), [], `accessibility of ${name}`);
}

test('a file is uploaded with a pause, its processing is watched, and it plays before it is finished', async () => {
  const { page, errors } = await openPage(browser, `${stack.edge}/`);
  await by(page, 'nav-upload').click();
  await by(page, 'file-input').setInputFiles(file);
  await by(page, 'open-video').waitFor({ timeout: 60_000 });
  await by(page, 'open-video').click();
  await by(page, 'video-page').waitFor();
  video = await stack.video(page.url().split('/').at(-1).split('?')[0]);
  await by(page, 'rendition').first().waitFor({ timeout: 60_000 });
  await until('it to be playable', async () => (await stack.video(video.video_id)).playable);
  assert.notEqual((await stack.video(video.video_id)).state, 'READY', 'playable while it is processed');
  await by(page, 'player-video').waitFor();
  await page.evaluate(() => { document.querySelector('video').muted = true; });
  await by(page, 'player-start').click();
  await reaches(page, 'the first second', ({ time }) => time > 1);
  await stack.reach(video.video_id);
  await until('the page to say so', async () => /ready/i.test(await by(page, 'video-page').innerText()), { timeout: 10_000 });
  assert.deepEqual(errors, []);
  await page.close();
  await assertNothingLostOrDoneTwice(stack, video.video_id, file, { frames: seconds * 30 });
});

test('an upload goes on after the browser was closed', async () => {
  // A large file over a slow line, so that it can be interrupted.
  const large = await source({ seconds: 40, width: 1920, height: 1080 });
  const context = await browser.newContext();
  let page = await context.newPage();
  const line = await context.newCDPSession(page);
  await line.send('Network.enable');
  await line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1_500_000 });
  await page.goto(`${stack.edge}/upload`);
  await by(page, 'file-input').setInputFiles(large);
  await until('some of it to be there', async () => /[1-9]\d*(\.\d+)? [KM]i?B of/.test(await by(page, 'transfer-status').innerText()), { timeout: 60_000, every: 50 });
  await by(page, 'pause').click();
  await until('it to be paused', async () => /Paused/.test(await by(page, 'transfer-status').innerText()), { timeout: 10_000 });
  await page.screenshot({ path: path.join(shots, 'upload-paused.png'), fullPage: true });
  await by(page, 'resume').click();
  await until('it to go on', async () => /left|\/s/.test(await by(page, 'transfer-status').innerText()), { timeout: 30_000, every: 50 });
  await page.close({ runBeforeUnload: false });

  page = await context.newPage();
  await page.goto(`${stack.edge}/upload`);
  await by(page, 'unfinished-item').waitFor({ timeout: 30_000 });
  await page.screenshot({ path: path.join(shots, 'upload-unfinished.png'), fullPage: true });
  const chooser = page.waitForEvent('filechooser');
  await by(page, 'unfinished-choose').click();
  await (await chooser).setFiles(large);
  await by(page, 'open-video').waitFor({ timeout: 120_000 });
  const id = (await by(page, 'open-video').getAttribute('href')).split('/').at(-1);
  const resumed = await stack.video(id);
  assert.equal(resumed.source_bytes, (await stat(large)).size);
  await stack.api('POST', `/v1/videos/${id}/cancel`);
  await context.close();
});

test('seek, quality and keys; the own view is in the numbers within five seconds', async () => {
  const opened = Date.now();
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${video.video_id}`);
  await by(page, 'player-video').waitFor();
  const views = async () => (await stack.api('GET', `/v1/videos/${video.video_id}/analytics`)).json.totals;
  const before = await views();
  await page.evaluate(() => { document.querySelector('video').muted = true; });
  await by(page, 'player').focus();
  await page.keyboard.press('k');
  await reaches(page, 'playing', ({ paused, time }) => !paused && time > 0.5);
  const began = Date.now();
  await until('the own view in the numbers', async () => (await views()).views > before.views, { timeout: 5000, every: 100 });
  assert.ok((await views()).viewers_now >= 1);
  assert.ok(Date.now() - began < 5000);

  await page.keyboard.press('5');
  await reaches(page, 'the middle', ({ time }) => time >= seconds / 2 - 0.5);
  await by(page, 'player-seek').hover();
  await by(page, 'storyboard-picture').waitFor({ timeout: 10_000 });
  await page.screenshot({ path: path.join(shots, 'player-storyboard.png') });
  await chooseInPlayer(page, 'player-quality', /360p/);
  await page.keyboard.press('0');
  await reaches(page, 'the quality that was chosen', ({ height, time }) => height === 360 && time > 1);
  const box = await by(page, 'player-seek').boundingBox();
  await page.mouse.click(box.x + box.width * 0.8, box.y + box.height / 2);
  await reaches(page, 'the end', ({ ended }) => ended);
  assert.deepEqual(errors, []);

  // All of it is in the session: built on the server, nothing missing.
  const session = await until('the whole session', async () => {
    const { sessions } = (await stack.api('GET', `/v1/videos/${video.video_id}/sessions`)).json;
    const mine = sessions.find((s) => Date.parse(s.started_at) > opened && s.ended && s.renditions.includes('360p'));
    return mine && mine.watch_seconds > 5 ? mine : null;
  }, { timeout: 20_000 });
  assert.equal(session.lost_events, 0, JSON.stringify(session));
  assert.ok(session.startup_seconds > 0);
  const detail = (await stack.api('GET', `/v1/sessions/${session.session_id}`)).json;
  const types = new Set(detail.events.map((event) => event.type));
  for (const type of ['play', 'seek', 'segment_fetched', 'watch_time', 'bitrate_selected', 'ended']) assert.ok(types.has(type), `${type} is missing in ${[...types]}`);
  const analytics = (await stack.api('GET', `/v1/videos/${video.video_id}/analytics`)).json;
  assert.ok(analytics.retention.length >= 3, JSON.stringify(analytics.retention));
  assert.ok(analytics.bitrates.some(({ rendition, bitrate }) => rendition === '360p' || bitrate > 0));
  await page.close();
});

test('captions of the source are chosen in the player and shown, as text only', async () => {
  const plain = await source({ seconds: 10, width: 640, height: 360 });
  const captioned = await withCaptions(plain, [
    { language: 'eng', cues: [[0, 9, 'Good morning <b>you</b> & all']] },
    { language: 'fra', cues: [[0, 9, 'Bonjour']] },
  ]);
  const created = await stack.upload(captioned);
  const ready = await stack.reach(created.video_id);
  assert.deepEqual(ready.captions.map(({ language }) => language).sort(), ['en', 'fr'], JSON.stringify(ready.captions));
  const vtt = await stack.fetch(ready.captions.find(({ language }) => language === 'fr').url);
  assert.equal(vtt.status, 200);
  assert.match(vtt.headers.get('content-type'), /^text\/vtt/);
  assert.match(await vtt.text(), /^WEBVTT[^]*Bonjour/);
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${created.video_id}`);
  await by(page, 'player-video').waitFor();
  await page.evaluate(() => { document.querySelector('video').muted = true; });
  await by(page, 'player-start').click();
  await reaches(page, 'playing', ({ time }) => time > 0.5);
  await page.keyboard.press('k');   // paused: the cue does not end while it is looked for
  await chooseInPlayer(page, 'player-captions-menu', /English/);
  await until('the caption', async () => /Good morning .*you.* & all/.test(await by(page, 'player-captions').innerText()), { timeout: 10_000 });
  await page.screenshot({ path: path.join(shots, 'captions.png') });
  assert.deepEqual(errors, []);
  await page.close();
});

test('title and description are edited in place, and refusals stand at the field', async () => {
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${video.video_id}`);
  await by(page, 'video-page').waitFor();
  await page.getByRole('button', { name: /edit/i }).first().click();
  await by(page, 'title-input').fill('A better title <b>&');
  await by(page, 'description-input').fill('Two\nlines');
  await page.getByRole('button', { name: /save/i }).click();
  await until('the title', async () => (await by(page, 'video-title').innerText()).includes('A better title <b>&'), { timeout: 10_000 });
  assert.equal((await stack.video(video.video_id)).description, 'Two\nlines');
  assert.deepEqual(errors, []);
  await page.close();
});

test('another site embeds the player, and no other page', async () => {
  const host = await browser.newPage();
  await host.goto(`${pages.url}/upload.html`);
  await host.setContent(`<iframe id="player" src="${stack.edge}/embed/${video.video_id}?autoplay=1&muted=1" width="640" height="360" allow="autoplay; fullscreen"></iframe>`);
  const frame = await (await host.waitForSelector('#player')).contentFrame();
  await until('the embedded player to play', () => frame.evaluate(() => document.querySelector('video')?.currentTime > 1), { timeout: 60_000 });
  await host.screenshot({ path: path.join(shots, 'embed.png') });
  const page = await stack.fetch(`/watch/${video.video_id}`);
  assert.match(page.headers.get('content-security-policy'), /frame-ancestors 'none'|frame-ancestors 'self'/);
  await host.close();
});

const views = {
  library: () => '/',
  upload: () => '/upload',
  watch: () => `/watch/${video.video_id}`,
  'video-analytics': () => `/watch/${video.video_id}/analytics`,
  timeline: () => `/watch/${video.video_id}/timeline`,
  analytics: () => '/analytics',
  fleet: () => '/fleet',
  embed: () => `/embed/${video.video_id}`,
  'not-found': () => '/no/such/page',
  'no-video': () => `/watch/${'0'.repeat(32)}`,
};
const looks = {
  light: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', hasTouch: true, isMobile: true },
};
for (const name of Object.keys(views)) {
  test(`the page ${name} is accessible and fits, in light, dark and on a phone`, async () => {
    for (const [look, options] of Object.entries(looks)) {
      const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
      const page = await context.newPage();
      await page.goto(`${stack.edge}${views[name]()}`);
      await page.locator('h1, video').first().waitFor();
      await page.waitForLoadState('load');
      await until('what is shown to have come', () => page.evaluate(() => !document.querySelector('[aria-busy="true"], .skeleton')), { timeout: 20_000 });
      await page.screenshot({ path: path.join(shots, `${name}-${look}.png`), fullPage: true });
      await assertAccessible(page, `${name}, ${look}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= options.viewport.width, `${name} is ${wide} wide on a ${options.viewport.width} wide screen`);
      await context.close();
    }
  });
}

test('the timeline shows every part of the work, and the fleet every daemon', async () => {
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${video.video_id}/timeline`);
  await by(page, 'timeline-bar').first().waitFor({ timeout: 20_000 });
  const bars = await by(page, 'timeline-bar').count();
  assert.ok(bars >= 8, `${bars} bars`);
  await page.goto(`${stack.edge}/fleet`);
  await by(page, 'fleet-page').waitFor();
  await until('the workers', async () => /transcode/.test(await by(page, 'fleet-page').innerText()), { timeout: 20_000 });
  const fleet = (await stack.api('GET', '/v1/fleet')).json;
  assert.deepEqual(fleet.daemons.filter(({ state }) => state !== 'ready'), []);
  assert.ok(fleet.daemons.some(({ name }) => name === 'analytics-ingest'), JSON.stringify(fleet.daemons));
  assert.ok(fleet.workers.some(({ queue }) => queue === 'transcode'));
  assert.deepEqual(errors, []);
  await page.close();
});

test('cancel, retry, and delete after a question; every open page follows', async () => {
  const created = await stack.upload(await source({ seconds: 40, width: 1920, height: 1080 }));
  const id = created.video_id;
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${id}`);
  const library = await openPage(browser, `${stack.edge}/`);
  const embed = await openPage(browser, `${stack.edge}/embed/${id}`);
  await library.page.locator(`[data-id="${id}"]`).waitFor();
  await by(page, 'rendition').first().waitFor({ timeout: 60_000 });
  const state = (wanted) => until(wanted, async () => (await by(page, 'video-page').getAttribute('data-state')) === wanted, { timeout: 30_000 });
  await by(page, 'cancel-processing').click();
  await by(page, 'dialog-confirm').click();
  await state('CANCELLED');
  await by(page, 'retry').click();
  await until('work to go on', async () => ['PROCESSING', 'PARTIALLY_READY', 'READY'].includes((await stack.video(id)).state));
  await by(page, 'delete').click();
  await by(page, 'dialog-cancel').click();
  assert.equal((await stack.fetch(`/v1/videos/${id}`)).status, 200, 'a question that is answered with no changes nothing');
  await by(page, 'delete').click();
  await by(page, 'dialog-confirm').click();
  await page.waitForURL(`${stack.edge}/`);
  assert.equal((await stack.fetch(`/v1/videos/${id}`)).status, 404);
  await library.page.locator(`[data-id="${id}"]`).waitFor({ state: 'detached', timeout: 10_000 });
  await until('the embedded player to say so', async () => /deleted/.test(await embed.page.locator('body').innerText()), { timeout: 10_000 });
  assert.deepEqual([...errors, ...library.errors], []);
  for (const opened of [page, library.page, embed.page]) await opened.close();
});

// Whatever else is set, a picture in each look.
async function photograph(page, name) {
  for (const [look, { viewport }] of Object.entries(looks)) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme: looks[look].colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: path.join(shots, `${name}-${look}.png`), fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= viewport.width, `${name} is ${wide} wide on a ${viewport.width} wide screen`);
  }
  await assertAccessible(page, name);
  await page.setViewportSize(looks.light.viewport);
}

test('a video is paused with a reason, resumed, and need not wait for its next attempt', async () => {
  const film = await source({ seconds: 41, width: 1280, height: 720 });
  const { video_id: id } = await stack.upload(film);
  const running = async () => (await history(stack, id)).pending_activities.filter(({ state }) => state === 'STARTED').length;
  await until('work to begin', async () => (await stack.video(id)).renditions.length > 0 && (await running()) > 0);
  const { page, errors } = await openPage(browser, `${stack.edge}/watch/${id}/timeline`);
  await by(page, 'pause-processing').click();
  await by(page, 'pause-reason').fill('the disks are full');
  await by(page, 'dialog-confirm').click();
  await by(page, 'timeline-paused').waitFor({ timeout: 20_000 });
  assert.match(await by(page, 'timeline-paused').innerText(), /since .*: the disks are full/);
  await until('what ran to be handed back', async () => (await running()) === 0, { timeout: 30_000 });
  const paused = await history(stack, id);
  assert.equal(paused.workflow.paused, true);
  assert.equal(paused.workflow.pause_reason, 'the disks are full');
  await photograph(page, 'timeline-paused');
  await by(page, 'resume-processing').click();
  await by(page, 'timeline-paused').waitFor({ state: 'detached', timeout: 20_000 });
  await until('work to go on', async () => (await running()) > 0 || (await stack.video(id)).state === 'READY');
  // Attempts that are lost with their worker wait for the next one.
  await stack.kill('transcode-worker');
  await by(page, 'retry-now').waitFor({ timeout: 30_000 });
  await photograph(page, 'timeline-retrying');
  await by(page, 'retry-now').click();
  await until('an answer', async () => /tried again now|Nothing waits/.test(await by(page, 'toasts').innerText()), { timeout: 10_000 });
  await stack.start('transcode-worker');
  await until('the end', async () => (await stack.video(id)).state === 'READY');
  await by(page, 'pause-processing').waitFor({ state: 'detached', timeout: 20_000 });
  await assertNothingLostOrDoneTwice(stack, id, film);
  assert.deepEqual(errors, []);
  await page.close();
});

test('a queue is paused and resumed on the page of the fleet', async () => {
  const { page, errors } = await openPage(browser, `${stack.edge}/fleet`);
  const queue = by(page, 'fleet-queue').filter({ has: page.getByRole('rowheader', { name: /^transcode/ }) });
  await queue.getByTestId('pause-queue').click();
  await by(page, 'dialog-confirm').click();
  await queue.getByTestId('queue-paused').waitFor({ timeout: 20_000 });
  assert.equal((await stack.api('GET', '/v1/queues/transcode')).json.paused, true);
  const { video_id: id } = await stack.upload(await source({ seconds: 4, width: 640, height: 360 }));
  await until('its first work to wait', async () => (await history(stack, id)).pending_activities.some(({ queue: name, state }) => name === 'transcode' && state === 'SCHEDULED'));
  await until('the page to say so', async () => /queue transcode is paused/.test(await by(page, 'fleet-page').innerText()), { timeout: 20_000 });
  await photograph(page, 'fleet-paused');
  const timeline = await openPage(browser, `${stack.edge}/watch/${id}/timeline`);
  await by(timeline.page, 'pause-processing').click();
  await by(timeline.page, 'pause-reason').fill('the disks are full');
  await photograph(timeline.page, 'pause-dialog');
  await by(timeline.page, 'dialog-cancel').click();
  await timeline.page.close();
  assert.equal((await history(stack, id)).pending_activities.filter(({ queue: name, state }) => name === 'transcode' && state === 'STARTED').length, 0);
  await queue.getByTestId('resume-queue').click();
  await queue.getByTestId('queue-paused').waitFor({ state: 'detached', timeout: 20_000 });
  assert.deepEqual((await stack.api('GET', '/v1/queues')).json.queues, []);
  await until('the end', async () => (await stack.video(id)).state === 'READY');
  assert.deepEqual([...errors, ...timeline.errors], []);
  await page.close();
});

test('while ClickHouse is away playback and collecting go on, queries say so, and nothing is missing afterwards', async () => {
  const began = Date.now();
  await stack.stop('clickhouse');
  const { page } = await openPage(browser, `${stack.edge}/watch/${video.video_id}`);
  await by(page, 'player-video').waitFor();
  await page.evaluate(() => { document.querySelector('video').muted = true; });
  await by(page, 'player-start').click();
  await reaches(page, 'playing', ({ time }) => time > 3);
  const refused = await stack.api('GET', `/v1/videos/${video.video_id}/analytics`);
  assert.equal(refused.status, 503, JSON.stringify(refused.json));
  assert.match(refused.json.error.message, /analytics/i);
  await page.screenshot({ path: path.join(shots, 'analytics-away.png'), fullPage: true });
  await page.close();
  await stack.start('clickhouse');
  const session = await until('the view that was watched meanwhile', async () => {
    const { status, json } = await stack.api('GET', `/v1/videos/${video.video_id}/sessions`);
    const mine = status === 200 && json.sessions.find((s) => Date.parse(s.started_at) > began && s.ended);
    return mine && mine.watch_seconds > 2 ? mine : null;
  }, { timeout: 40_000 });
  assert.equal(session.lost_events, 0);
});
