// Players that know nothing of Vora, with CMCD on: what they say of themselves arrives, and the edge goes on caching.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { launch, openPage, servePages } from '../env/browser.mjs';
import { source } from '../env/media.mjs';
import { until } from '../env/stack.mjs';
import { stack } from './stack.mjs';

let browser, pages, video;

before(async () => {
  await stack.up();
  const created = await stack.upload(await source({ seconds: 20, width: 640, height: 360 }));
  video = await stack.reach(created.video_id);
  browser = await launch();
  pages = await servePages();
});
after(async () => {
  await browser?.close();
  await pages?.close();
});

// Plays a few seconds; the browser's console must stay clean.
async function play(name, manifest, query) {
  const session = randomUUID();
  const url = new URL(`${pages.url}/${name}.html`);
  const search = { src: `${stack.edge}/v/${video.video_id}/${manifest}`, cmcd: session, content: video.video_id, ...query };
  for (const [key, value] of Object.entries(search)) url.searchParams.set(key, value);
  const { page, errors } = await openPage(browser, String(url));
  await page.waitForFunction(() => document.getElementById('video').currentTime > 4, null, { timeout: 30_000 });
  assert.deepEqual(await page.evaluate(() => window.events), []);
  assert.deepEqual(errors, []);
  await page.close();
  return session;
}

const deliveries = (session) => stack.clickhouse(`SELECT object, cache, status, bytes FROM playback_events WHERE session_id = '${session}' AND type = 'delivery'`);

// Nothing in the cache: the gateway sees every request of this video.
async function emptyEdge() {
  await stack.stop('varnish');
  await stack.start('varnish');
}

for (const [player, manifest] of [['hls', 'master.m3u8'], ['dash', 'manifest.mpd']]) {
  for (const mode of ['query', 'headers']) {
    for (const version of [1, 2]) {
      test(`${player} with CMCD ${version} by ${mode}: the gateway's deliveries carry the session, the edge caches as before`, async () => {
        await emptyEdge();
        const options = { version, ...(mode === 'headers' ? { headers: '1' } : {}) };
        const session = await play(player, manifest, options);
        const seen = await until('deliveries', async () => {
          const found = await deliveries(session);
          return found.some(([object]) => /seg_\d+\.m4s$/.test(object)) ? found : null;
        }, { timeout: 20_000 });
        assert.ok(seen.every(([, cache, status, bytes]) => ['hit', 'miss', 'coalesced'].includes(cache) && status === '200' && Number(bytes) > 0), JSON.stringify(seen));
        // The next viewer is served by the edge: other CMCD, same cache key.
        const [object] = seen.find(([name]) => /seg_\d+\.m4s$/.test(name));
        const again = await stack.fetch(`/v/${video.video_id}/${object}?CMCD=${encodeURIComponent('sid="another"')}`);
        assert.equal(again.headers.get('x-cache'), 'HIT');
        await again.arrayBuffer();
      });
    }
  }
  // shaka-player (5.2) tells what it fetched, not whether it plays.
  const told = player === 'hls' ? ['play', 'segment_fetched', 'watch_time'] : ['bitrate_selected', 'segment_fetched'];
  test(`${player} in event mode: its events become rows, each once`, async () => {
    const session = await play(player, manifest, { version: 2, events: `${stack.edge}/e` });
    await until(`${told}`, async () => {
      const types = (await stack.clickhouse(`SELECT DISTINCT type FROM playback_events WHERE session_id = '${session}' AND source = 'cmcd'`)).flat();
      if (!told.every((type) => types.includes(type))) throw new Error(`so far: ${types}`);
      return true;
    }, { timeout: 20_000 });
    const { sessions } = (await stack.api('GET', `/v1/videos/${video.video_id}/sessions?page_size=200`)).json;
    const mine = sessions.filter((s) => s.session_id === session);
    assert.equal(mine.length, 1);
    // shaka-player takes 202 for `not yet` and sends everything twice: counted once.
    const [[rows, distinct]] = await stack.clickhouse(`SELECT count(), uniqExact(sequence) FROM playback_events WHERE session_id = '${session}' AND type != 'delivery'`);
    if (player === 'dash') assert.ok(Number(rows) > Number(distinct), `${rows} rows, ${distinct} events`);
    assert.ok(Math.abs(mine[0].events - Number(distinct)) <= 3, `${mine[0].events} of ${distinct}`);
  });
}
