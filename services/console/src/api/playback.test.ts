import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Pass, renewalDelay, withToken } from './playback';

test('a token stands in the path, once', () => {
  assert.equal(withToken('http://edge:8080/v/abc/master.m3u8', 'v1.k.p.s'), 'http://edge:8080/t/v1.k.p.s/v/abc/master.m3u8');
  assert.equal(withToken('http://edge/t/old/v/abc/720p/seg_0.m4s?CMCD=bl%3D1', 'new'), 'http://edge/t/new/v/abc/720p/seg_0.m4s?CMCD=bl%3D1');
  assert.equal(withToken('/v/abc/poster.jpg', 'a/b'), '/t/a%2Fb/v/abc/poster.jpg');
  for (const other of ['/v1/videos', 'http://edge/watch/v/abc', 'blob:http://edge/v/x', '', '/e']) assert.equal(withToken(other, 't'), other);
});

test('a token is renewed well before it ends, and never without a pause', () => {
  assert.equal(renewalDelay(100_000, 20_000), 60_000);
  assert.equal(renewalDelay(0, 20_000), 1000);
});

test('a token that came with the page is used as it is', async () => {
  const pass = new Pass('abc', 'given');
  assert.equal(pass.ready, true);
  await pass.renew();
  assert.equal(pass.sign('/v/abc/master.m3u8'), '/t/given/v/abc/master.m3u8');
});
