import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TimePoint } from '../api/schema';
import { bucketsOf, exitColumns, renditionsOf, retentionColumns, sharesByRendition, stackedHours } from './series';

const point = (time: string, bitrates: [string, number][]): TimePoint => ({
  time, views: 1, watch_seconds: 0, stall_seconds: 0, average_bitrate: 0, bitrates: bitrates.map(([rendition, hours]) => ({ rendition, bitrate: 1, watch_seconds: hours * 3600, ratio: 0 })),
});
const series = [point('2026-01-01T02:00:00Z', [['720p', 2], ['360p', 1]]), point('2026-01-01T00:00:00Z', [['360p', 3]])];

test('holes of a series become empty buckets, in order', () => {
  const { times, at } = bucketsOf(series, 3600);
  assert.equal(times.length, 3);
  assert.equal(times[1]! - times[0]!, 3600);
  assert.equal(at(times[1]!), undefined);
  assert.deepEqual(bucketsOf([], 60).times, []);
});

test('layers are stacked, the sum of all first', () => {
  const names = renditionsOf(series, []);
  assert.deepEqual(names, ['360p', '720p']);
  assert.deepEqual(stackedHours(bucketsOf(series, 3600), names), [[3, 0, 3], [3, 0, 1]]);
});

test('retention reaches to the end of the video, exits stand in the middle of their bucket', () => {
  const points = [{ start_seconds: 4, viewers: 5, ratio: 0.5, exits: 5 }, { start_seconds: 0, viewers: 10, ratio: 1, exits: 5 }];
  assert.deepEqual(retentionColumns(points, 7.5), [[0, 4, 7.5], [100, 50, 50]]);
  assert.deepEqual(exitColumns(points, 4), [[2, 6], [5, 5]]);
  assert.deepEqual(retentionColumns([], 10), [[], []]);
});

test('one share per rendition, from small to large', () => {
  const shares = sharesByRendition([{ rendition: '720p', bitrate: 2, watch_seconds: 10, ratio: 0.5 }, { rendition: '', bitrate: 0, watch_seconds: 2, ratio: 0.1 }, { rendition: '360p', bitrate: 1, watch_seconds: 4, ratio: 0.2 },
    { rendition: '720p', bitrate: 3, watch_seconds: 4, ratio: 0.2 }]);
  assert.deepEqual(shares.map(({ rendition, watch_seconds, bitrate }) => [rendition, watch_seconds, bitrate]), [['360p', 4, 1], ['720p', 14, 3], ['unknown', 2, 0]]);
});

test('without renditions, shares are named and ordered by the class of their bit rate', () => {
  const share = (bitrate: number) => ({ rendition: '', bitrate, watch_seconds: 1, ratio: 0.2 });
  const shares = sharesByRendition([share(9e6), share(0), share(3e6), share(2_750_000), share(250_000)]);
  assert.deepEqual(shares.map(({ rendition, watch_seconds }) => [rendition, watch_seconds]),
    [['up to 0.5 Mbit/s', 1], ['up to 4 Mbit/s', 2], ['over 8 Mbit/s', 1], ['unknown', 1]]);
});
