import assert from 'node:assert/strict';
import { test } from 'node:test';

import { heightLabel, renditionOf } from './rendition';
import { actionOf } from './shortcuts';
import { cueAt, parseStoryboard, parseTimestamp } from './storyboard';

const base = 'http://edge/v/abc/storyboard.vtt?token=1';

test('a storyboard is read, in order of time, with addresses beside it', () => {
  const cues = parseStoryboard('\uFEFFWEBVTT\r\n\r\nNOTE x --> y\r\n\r\n1\r\n00:05.000 --> 00:10.000 align:left\r\nstoryboard_0.jpg#xywh=160,0,160,90\r\n\r\n00:00:00.000 --> 00:00:05.000\r\nstoryboard_0.jpg#xywh=0,0,160,90\r\n', base);
  assert.equal(cues.length, 2);
  assert.deepEqual(cues[1], { start: 5, end: 10, url: 'http://edge/v/abc/storyboard_0.jpg', x: 160, y: 0, width: 160, height: 90 });
});

test('what is not understood is left out', () => {
  const bad = ['', 'WEBVTT', 'WEBVTT\n\n00:00.000 --> 00:00.000\na.jpg#xywh=0,0,1,1', 'WEBVTT\n\n00:00.000 --> 00:01.000\na.jpg', 'WEBVTT\n\n00:00.000 --> 00:01.000\na.jpg#xywh=0,0,0,9',
    'WEBVTT\n\n-->\n', 'WEBVTT\n\n99 --> 100\na.jpg#xywh=0,0,1,1'];
  for (const text of bad) assert.deepEqual(parseStoryboard(text, base), [], text);
  assert.equal(parseTimestamp('100:00:01.500'), 360001.5);
  assert.ok(Number.isNaN(parseTimestamp('1.5')));
});

test('the cue of a moment is found, also beyond both ends', () => {
  const cues = parseStoryboard('WEBVTT\n\n00:02.000 --> 00:04.000\na.jpg#xywh=0,0,1,1\n\n00:04.000 --> 00:06.000\nb.jpg#xywh=0,0,1,1', base);
  assert.deepEqual([0, 2, 3.9, 4, 99].map((at) => cueAt(cues, at)?.url.at(-5)), ['a', 'a', 'a', 'b', 'b']);
  assert.equal(cueAt([], 1), null);
});

test('keys act, unless something else needs them', () => {
  const press = (key: string, extra = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...extra });
  assert.deepEqual(actionOf(press('K'), 'none'), { kind: 'toggle' });
  assert.deepEqual(actionOf(press(' '), 'button'), null);
  assert.deepEqual(actionOf(press('k'), 'button'), { kind: 'toggle' });
  assert.deepEqual(actionOf(press('ArrowLeft'), 'slider'), null);
  assert.deepEqual(actionOf(press('5'), 'none'), { kind: 'seekPercent', percent: 50 });
  assert.equal(actionOf(press('f', { ctrlKey: true }), 'none'), null);
  assert.equal(actionOf(press('k'), 'text'), null);
  assert.deepEqual(actionOf(press('?'), 'none'), { kind: 'help' });
});

test('renditions are named by their folder, qualities by the smaller side', () => {
  assert.equal(renditionOf('http://edge/v/abc/720p/seg_3.m4s?CMCD=bl%3D1'), '720p');
  assert.equal(renditionOf('/v/abc/audio_0/playlist.m3u8'), 'audio_0');
  assert.equal(heightLabel(608, 1080), '608p');
  assert.equal(heightLabel(0, 720), '720p');
});
