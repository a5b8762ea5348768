import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isPassing, problemOf } from './problems';
import { TransferRate } from './rate';

const answer = (status: number, body = '') => ({ originalResponse: { getStatus: () => status, getBody: () => body } });

test('the rate follows, smoothly, and starts anew after a break', () => {
  const rate = new TransferRate();
  rate.update(0, 0);
  assert.equal(rate.secondsLeft(100), Infinity);
  rate.update(1000, 1000);
  assert.equal(rate.bytesPerSecond, 1000);
  rate.update(1100, 1100);
  assert.equal(rate.bytesPerSecond, 1000, 'too short to tell');
  rate.update(4000, 2000);
  assert.ok(rate.bytesPerSecond > 1000 && rate.bytesPerSecond < 3000);
  rate.update(500, 3000);
  assert.ok(rate.bytesPerSecond > 1000, 'going back is no speed');
  rate.reset();
  assert.equal(rate.bytesPerSecond, 0);
});

test('errors say what to do', () => {
  const endpoint = 'http://x/files/';
  assert.equal(problemOf(answer(460), endpoint).again, 'anew');
  const large = problemOf(answer(413, '{"error":{"code":"TOO_LARGE","message":"at most 5 GiB"}}'), endpoint);
  assert.deepEqual([large.message, large.again], ['At most 5 GiB.', 'never']);
  assert.equal(problemOf(answer(503, 'not json'), endpoint).again, 'resume');
  assert.match(problemOf(new Error('boom'), endpoint).advice, /http:\/\/x\/files\//);
});

test('only passing errors are tried again by themselves', () => {
  for (const status of [408, 409, 423, 429, 500, 503]) assert.ok(isPassing(answer(status)), String(status));
  for (const status of [400, 403, 404, 410, 412, 413, 460]) assert.ok(!isPassing(answer(status)), String(status));
  assert.ok(isPassing(new Error('network')));
});
