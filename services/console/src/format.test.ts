import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ago, bitrate, bytes, duration, percent, span } from './format';

test('durations', () => {
  assert.deepEqual([0, 59.4, 75, 3675].map(duration), ['0:00', '0:59', '1:15', '1:01:15']);
  assert.equal(duration(NaN), '–');
  assert.deepEqual([0, 0.85, 4.2, 9.96, 59.6, 200, 7500, 273600].map(span), ['0 s', '850 ms', '4.2 s', '10 s', '1 min', '3 min 20 s', '2 h 5 min', '3 d 4 h']);
  assert.equal(span(Infinity), '–');
});

test('sizes, rates and shares', () => {
  assert.deepEqual([0, 999, 1024, 1536, 30102116].map(bytes), ['0 B', '999 B', '1 KiB', '1.5 KiB', '28.7 MiB']);
  assert.deepEqual([0, 130_000, 2_600_000].map(bitrate), ['–', '130 kbit/s', '2.6 Mbit/s']);
  assert.deepEqual([0, 0.004, 0.123, 1].map(percent), ['0 %', '0.4 %', '12 %', '100 %']);
});

test('times ago', () => {
  const now = Date.parse('2026-01-10T12:00:00Z');
  const at = (text: string) => ago(text, now);
  assert.equal(at('2026-01-10T11:59:40Z'), 'just now');
  assert.equal(at('2026-01-10T11:55:00Z'), '5 min. ago');
  assert.equal(at('2026-01-10T09:00:00Z'), '3 hr. ago');
  assert.equal(at('2026-01-09T11:00:00Z'), 'yesterday');
  assert.equal(at('nonsense'), '–');
});
