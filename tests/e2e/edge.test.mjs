import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { until } from '../env/stack.mjs';
import { stack } from './stack.mjs';

let video, segment, manifest;
before(async () => {
  await stack.up();
  const created = await stack.upload(await source({ seconds: 8, width: 640, height: 360 }));
  video = await stack.reach(created.video_id);
  segment = `/v/${video.video_id}/360p/seg_0.m4s`;
  manifest = `/v/${video.video_id}/master.m3u8`;
});

test('segments are immutable, cached, ranged and revalidated', async () => {
  const first = await stack.fetch(segment);
  assert.equal(first.status, 200);
  const whole = Buffer.from(await first.arrayBuffer());
  assert.match(first.headers.get('cache-control'), /max-age=31536000.*immutable/);
  assert.equal(first.headers.get('access-control-allow-origin'), '*');
  const second = await stack.fetch(segment);
  assert.match(second.headers.get('x-cache'), /HIT/);
  await second.arrayBuffer();
  const etag = first.headers.get('etag');
  assert.equal((await stack.fetch(segment, { headers: { 'if-none-match': etag } })).status, 304);
  const part = await stack.fetch(segment, { headers: { range: 'bytes=100-199' } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), `bytes 100-199/${whole.length}`);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), whole.subarray(100, 200));
  assert.equal((await stack.fetch(segment, { headers: { range: `bytes=${whole.length}-` } })).status, 416);
  const head = await stack.fetch(segment, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), String(whole.length));
});

test('manifests are short-lived', async () => {
  const response = await stack.fetch(manifest);
  assert.equal(response.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  const age = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control'))[1]);
  assert.ok(age <= 60, `${age}`);
  const mpd = await stack.fetch(`/v/${video.video_id}/manifest.mpd`);
  assert.equal(mpd.headers.get('content-type'), 'application/dash+xml');
});

test('what is not there is said clearly', async () => {
  const unknown = await stack.fetch('/v/00000000000000000000000000000000/master.m3u8');
  assert.equal(unknown.status, 404);
  assert.equal((await unknown.json()).error.code, 'NOT_FOUND');
  for (const path of [`/v/${video.video_id}/../../raw/x`, `/v/${video.video_id}/%2e%2e/%2e%2e/raw/${video.upload_id}/original`, `/v/${video.video_id}/360p/nothing.bin`]) {
    assert.ok([400, 404].includes((await stack.fetch(path)).status), path);
  }
});

test('the edge serves what it has while the origin is down, and the origin afterwards', async () => {
  for (const path of [segment, manifest]) await (await stack.fetch(path)).arrayBuffer();
  await stack.stop('streaming-gateway');
  try {
    assert.equal((await stack.fetch(segment)).status, 200);
    const stale = await until('a stale manifest', async () => {
      const response = await stack.fetch(manifest);
      assert.equal(response.status, 200);
      await response.text();
      return response.headers.get('x-cache') === 'STALE' ? response : null;
    }, { timeout: 90_000, every: 500 });
    assert.equal(stale.status, 200);
    const never = await stack.fetch(`/v/${video.video_id}/360p/seg_1.m4s`);
    assert.equal(never.status, 503);
  } finally {
    await stack.start('streaming-gateway');
  }
  await until('the origin to be back', async () => (await stack.fetch(`/v/${video.video_id}/360p/seg_1.m4s`)).status === 200, { timeout: 30_000 });
});
