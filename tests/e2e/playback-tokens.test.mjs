// A stack on which playing needs a token: what the edge gives to whom, and the pages, which get and renew tokens by themselves.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { chooseInPlayer, launch, openPage, servePages } from '../env/browser.mjs';
import { source } from '../env/media.mjs';
import { Stack, until } from '../env/stack.mjs';

const stack = new Stack('playback-tokens', 31380, { VORA_PLAYBACK_TOKENS: 'on' });
let browser, pages, shots, video;

before(async () => {
  await stack.reset();
  browser = await launch();
  pages = await servePages();
  shots = path.join(stack.home, 'screenshots');
  await mkdir(shots, { recursive: true });
  const { video_id: id } = await stack.upload(await source({ seconds: 24, width: 1280, height: 720 }));
  video = await stack.reach(id);
});
after(async () => {
  await browser?.close();
  await pages?.close();
  await stack.down();
});

const by = (page, id) => page.getByTestId(id);
async function mint(ttl = 600, id = video.video_id) {
  const { status, json } = await stack.api('POST', `/v1/videos/${id}/playback-tokens`, { ttl_seconds: ttl });
  assert.equal(status, 200, JSON.stringify(json));
  return json;
}
const segment = (link) => `${link.base_url}360p/seg_1.m4s`;
const look = async (url, headers = {}) => {
  const response = await stack.fetch(url, { headers });
  return { status: response.status, cache: response.headers.get('x-cache'), bytes: (await response.arrayBuffer()).byteLength };
};
const reaches = (page, what, reached) => until(what, () => page.evaluate((text) => {
  const media = document.querySelector('video');
  return media && new Function('media', `return ${text}`)(media);
}, reached), { timeout: 60_000, every: 50 });
// Every answer of the gateway that a page saw.
function delivered(page) {
  const seen = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (/^\/(t\/[^/]+\/)?v\//.test(pathname)) seen.push({ pathname, status: response.status(), token: pathname.startsWith('/t/') ? pathname.split('/')[2] : '' });
  });
  return seen;
}

test('two viewers share what is cached; nobody else gets it', async () => {
  const one = await mint(600), two = await mint(900);
  assert.notEqual(one.token, two.token);
  const first = await look(segment(one));
  assert.deepEqual([first.status, first.cache], [200, 'MISS']);
  for (const url of [segment(two), `${stack.edge}/v/${video.video_id}/360p/seg_1.m4s?token=${two.token}`]) {
    const { status, cache, bytes } = await look(url);
    assert.deepEqual([status, cache, bytes], [200, 'HIT', first.bytes], url.slice(0, 40));
  }
  assert.equal((await look(`/v/${video.video_id}/360p/seg_1.m4s`, { cookie: `vora_token=${one.token}` })).cache, 'HIT');
  assert.equal((await look(`/v/${video.video_id}/360p/seg_1.m4s`)).status, 401);
  assert.equal((await look(`/v/${video.video_id}/master.m3u8`)).status, 401);
  assert.equal((await look(`/v/${'0'.repeat(32)}/360p/seg_1.m4s?token=${one.token}`)).status, 403);
  const past = await fetch(`http://127.0.0.1:${stack.portBase + 3}/v/${video.video_id}/360p/seg_1.m4s`, { headers: { 'x-vora-edge': 'a guess', 'x-vora-edge-video': video.video_id } });
  assert.equal(past.status, 401, 'nor past the edge');
});

test('a token ends when it says, replayed in whatever form', async () => {
  const link = await mint(2);
  assert.equal((await look(segment(link))).status, 200);
  const ends = Date.parse(link.expires_at);
  await until('the token to end', async () => (await look(segment(link))).status === 401, { timeout: 10_000, every: 20 });
  assert.ok(Date.now() < ends + 1500, 'the verdict ends with the token');
  for (const url of [link.url, `/v/${video.video_id}/master.m3u8?token=${link.token}`]) assert.equal((await look(url)).status, 401);
  assert.equal((await look(`/v/${video.video_id}/master.m3u8`, { cookie: `vora_token=${link.token}` })).status, 401);
});

test('the watch page plays with a token, and renews it before it ends', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const errors = [], seen = delivered(page);
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  let asked = 0;
  await page.route('**/playback-tokens', (route) => {
    asked += 1;
    return route.continue({ postData: JSON.stringify({ ttl_seconds: 4 }) });
  });
  await page.goto(`${stack.edge}/watch/${video.video_id}`);
  await by(page, 'player-start').click();
  await reaches(page, 'the first second', 'media.currentTime > 1');
  await by(page, 'token-note').waitFor();
  await page.screenshot({ path: path.join(shots, 'watch.png') });
  await until('the token to be renewed twice', () => asked >= 3, { timeout: 20_000 });
  // What was buffered is thrown away with the quality: from here on all comes with a later token.
  await chooseInPlayer(page, 'player-quality', /360p/);
  await by(page, 'player').focus();
  await page.keyboard.press('0');
  // It may have come to its end, and a load that begins meanwhile interrupts play().
  await until('it to play again', () => page.evaluate(() => document.querySelector('video').play().then(() => true, () => false)), { timeout: 10_000 });
  await reaches(page, 'the chosen quality', 'media.videoHeight === 360 && media.currentTime > 1 && !media.paused');
  await by(page, 'player-seek').hover();
  await by(page, 'storyboard-picture').waitFor({ timeout: 10_000 });
  await reaches(page, 'the storyboard', 'document.querySelector("[data-testid=storyboard-picture] img").naturalWidth > 0');
  assert.deepEqual(seen.filter(({ status }) => status >= 400), []);
  assert.ok(seen.every(({ token }) => token), `without a token: ${seen.find(({ token }) => !token)?.pathname}`);
  assert.ok(new Set(seen.map(({ token }) => token)).size >= 2, 'later requests came with a later token');
  assert.deepEqual(errors, []);
  await page.close();
});

test('the library shows posters', async () => {
  const { page, errors } = await openPage(browser, `${stack.edge}/`);
  await by(page, 'video-card').first().waitFor();
  await until('the poster', () => page.evaluate(() => (document.querySelector('[data-testid=video-card] img')?.naturalWidth ?? 0) > 0), { timeout: 10_000 });
  await page.screenshot({ path: path.join(shots, 'library.png') });
  assert.deepEqual(errors, []);
  await page.close();
});

test('another site embeds the player, with a token of its own or without', async () => {
  for (const hash of ['', `#token=${(await mint(120)).token}`]) {
    const host = await browser.newPage();
    const seen = delivered(host);
    await host.goto(`${pages.url}/upload.html`);
    await host.setContent(`<iframe id="player" src="${stack.edge}/embed/${video.video_id}?autoplay=1&muted=1${hash}" width="640" height="360" allow="autoplay"></iframe>`);
    const frame = await (await host.waitForSelector('#player')).contentFrame();
    await until('the embedded player to play', () => frame.evaluate(() => document.querySelector('video')?.currentTime > 1), { timeout: 60_000 });
    await host.screenshot({ path: path.join(shots, hash ? 'embed-given.png' : 'embed.png') });
    if (hash) assert.deepEqual([...new Set(seen.map(({ token }) => token))], [hash.slice('#token='.length)], 'the one that was given');
    await host.close();
  }
});

test('vora play-url prints an address that plays', async () => {
  for (const kind of ['hls', 'dash']) {
    const shown = await stack.cli(['play-url', video.video_id, '--kind', kind]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.equal((await look(shown.stdout.trim())).status, 200, shown.stdout);
  }
});

test('players that only know addresses play them: path, and query carried on by the playlists', async () => {
  const link = await mint();
  for (const url of [link.url, `${stack.edge}/v/${video.video_id}/master.m3u8?token=${link.token}`]) {
    const follow = async (from, text) => new URL(text.split('\n').find((line) => line && !line.startsWith('#')), from).href;
    const media = await follow(url, await (await stack.fetch(url)).text());
    const piece = await follow(media, await (await stack.fetch(media)).text());
    assert.equal((await look(piece)).status, 200, piece);
  }
});
