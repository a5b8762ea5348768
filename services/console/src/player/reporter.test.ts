import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clean } from './events';
import { EventQueue, judge, retryDelay } from './reporter';

const ids = { video_id: 'v', session_id: 's' };
const time = new Date('2026-01-02T03:04:05.678Z');
const filled = (count: number, limit?: number) => {
  const queue = new EventQueue(ids, limit);
  for (let i = 0; i < count; i += 1) queue.push('watch_time', { position_seconds: i, duration_seconds: 1 }, time);
  return queue;
};

test('sequence numbers begin at 0 and have no gaps; a retry is the same events', () => {
  const queue = filled(3);
  const first = queue.take(2);
  assert.deepEqual(first.map(({ sequence }) => sequence), [0, 1]);
  queue.restore();
  queue.push('pause', { position_seconds: 9 }, time);
  assert.deepEqual(queue.take(2), first);
  queue.settle();
  assert.deepEqual(queue.take(9).map(({ sequence, type }) => [sequence, type]), [[2, 'watch_time'], [3, 'pause']]);
  assert.equal(first[0]!.player_time, '2026-01-02T03:04:05.678Z');
});

test('a full queue drops the oldest, also those under way, and never sends one twice for it', () => {
  const queue = filled(5, 5);
  queue.take(3);
  queue.push('pause', { position_seconds: 1 }, time);
  queue.push('play', { position_seconds: 1 }, time);
  assert.equal(queue.dropped, 2);
  queue.settle();
  assert.deepEqual(queue.take().map(({ sequence }) => sequence), [3, 4, 5, 6]);
});

test('beacons hold everything unsent in pieces below their limit, and leave what was refused', () => {
  const queue = filled(100);
  queue.take(10);
  const texts: string[] = [];
  queue.beacon((text) => texts.length < 3 && texts.push(text) > 0, false, 2000);
  assert.equal(texts.length, 3);
  for (const text of texts) assert.ok(text.length <= 2000, `${text.length}`);
  const sent = texts.flatMap((text) => (JSON.parse(text) as { sequence: number }[]).map(({ sequence }) => sequence));
  assert.equal(sent[0], 10);
  assert.deepEqual(sent, sent.map((_, index) => index + 10));
  queue.settle();
  assert.equal(queue.take()[0]!.sequence, sent.at(-1)! + 1);
});

test('at the end of a page what is under way goes again', () => {
  const queue = filled(4);
  queue.take(4);
  const texts: string[] = [];
  queue.beacon((text) => texts.push(text) > 0, true);
  assert.equal((JSON.parse(texts[0]!) as unknown[]).length, 4);
  queue.settle();
  assert.equal(queue.length, 0);
});

test('what is tried again, and what never will be', () => {
  assert.deepEqual([200, 202, 0, 429, 503, 500, 413, 400, 404].map(judge), ['taken', 'taken', 'again', 'again', 'again', 'again', 'smaller', 'never', 'never']);
});

test('Retry-After is honoured in both forms; without it the wait doubles up to half a minute', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryDelay(1, '7', now, 0), 7000);
  assert.equal(retryDelay(1, '8', now, 0.5), 9000, 'spread: who was refused together does not come back together');
  assert.equal(retryDelay(1, '0', now, 0), 1000, 'never at once');
  assert.equal(retryDelay(1, 'Thu, 01 Jan 2026 00:00:09 GMT', now, 0), 9000);
  assert.equal(retryDelay(1, 'Wed, 31 Dec 2025 23:59:00 GMT', now, 0), 1000);
  assert.equal(retryDelay(1, '999999', now, 0), 600_000);
  assert.deepEqual([1, 2, 3, 9].map((failures) => retryDelay(failures, null, now, 0.5)), [1000, 2000, 4000, 30_000]);
  assert.ok(retryDelay(1, 'soon', now, 0) >= 750);
});

test('numbers are made plain, and what is none is left out', () => {
  assert.deepEqual(clean({ position_seconds: 1.23456, duration_seconds: NaN, bitrate: 1e6 + 0.4, segment_index: 0, bytes: -1, rendition: '', error_code: 'x'.repeat(99) }),
    { position_seconds: 1.235, bitrate: 1_000_000, segment_index: 0, error_code: 'x'.repeat(64) });
  assert.deepEqual(clean({ position_seconds: Infinity }), { position_seconds: 0 });
});
