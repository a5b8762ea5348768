import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { EventFields, EventType } from './events';
import { PlaybackTracker } from './tracker';

function setup() {
  let now = 0;
  const events: (EventFields & { type: EventType })[] = [];
  const tracker = new PlaybackTracker({ now: () => now, emit: (type, fields) => events.push({ type, ...fields }) });
  let position = 0;
  // Plays on in steps of 250 ms, as timeupdate comes.
  const play = (seconds: number, rate = 1) => {
    for (let i = 0; i < seconds * 4; i += 1) {
      now += 250;
      position += 0.25 * rate;
      tracker.advanced(position);
    }
  };
  const wait = (ms: number) => (now += ms);
  return { tracker, events, play, wait, at: () => position, jump: (to: number) => (position = to) };
}

const kinds = (events: { type: EventType }[]) => events.map(({ type }) => type);
const watched = (events: (EventFields & { type: EventType })[]) =>
  events.filter(({ type }) => type === 'watch_time').reduce((sum, event) => sum + (event.duration_seconds ?? 0), 0);

test('the first play carries the time from the click to the first frame', () => {
  const { tracker, events, wait } = setup();
  wait(5000);
  tracker.wanted();
  wait(640);
  tracker.resumed(0);
  assert.deepEqual(events, [{ type: 'play', position_seconds: 0, duration_seconds: 0.64 }]);
});

test('watched time is told every five seconds and at a pause, and only what was played counts', () => {
  const { tracker, events, play, wait, at } = setup();
  tracker.wanted();
  tracker.resumed(0);
  play(12);
  tracker.paused(at());
  wait(60_000);
  tracker.resumed(at());
  play(2);
  tracker.ended(at());
  assert.deepEqual(kinds(events), ['play', 'watch_time', 'watch_time', 'watch_time', 'pause', 'play', 'watch_time', 'ended']);
  assert.equal(watched(events), 14);
  assert.equal(events[1]!.position_seconds, 5);
  assert.equal(events.at(-1)!.position_seconds, 14);
});

test('at double speed it is media time that counts', () => {
  const { tracker, events, play, at } = setup();
  tracker.resumed(0);
  tracker.rateChanged(2);
  play(5, 2);
  tracker.paused(at());
  assert.equal(watched(events), 10);
});

test('what is jumped over is not watched, and waiting for a seek is no stall', () => {
  const { tracker, events, play, wait, at, jump } = setup();
  tracker.resumed(0);
  play(3);
  jump(40);
  tracker.seekBegan(40);
  tracker.waiting(40);
  wait(2000);
  tracker.seekEnded(40);
  tracker.waiting(40);
  wait(1000);
  tracker.resumed(40);
  play(2);
  tracker.ended(at());
  assert.deepEqual(kinds(events), ['play', 'watch_time', 'seek', 'watch_time', 'ended']);
  assert.deepEqual(events[1], { type: 'watch_time', position_seconds: 3, duration_seconds: 3 });
  assert.equal(events[2]!.position_seconds, 40);
  assert.equal(watched(events), 5);
});

test('a browser that says nothing after a seek within the buffer goes on being counted', () => {
  const { tracker, events, play, at, jump } = setup();
  tracker.resumed(0);
  play(1);
  jump(20);
  tracker.seekBegan(20);
  tracker.seekEnded(20);
  play(4);
  tracker.paused(at());
  assert.equal(watched(events), 5);
});

test('a stall is told when playing goes on, with its length and place', () => {
  const { tracker, events, play, wait, at } = setup();
  tracker.resumed(0);
  play(2);
  tracker.waiting(at());
  wait(1500);
  tracker.resumed(at());
  play(1);
  tracker.ended(at());
  const stall = events.find(({ type }) => type === 'stall')!;
  assert.deepEqual(stall, { type: 'stall', position_seconds: 2, duration_seconds: 1.5 });
  assert.equal(watched(events), 3);
  assert.equal(kinds(events).filter((type) => type === 'play').length, 1);
});

test('the start is no stall, a hiccup is none, and a pause ends one', () => {
  const { tracker, events, play, wait, at } = setup();
  tracker.wanted();
  tracker.waiting(0);
  wait(3000);
  tracker.resumed(0);
  play(1);
  tracker.waiting(at());
  wait(50);
  tracker.resumed(at());
  tracker.waiting(at());
  wait(700);
  tracker.paused(at());
  assert.deepEqual(kinds(events), ['play', 'watch_time', 'stall', 'pause']);
  assert.equal(events[2]!.duration_seconds, 0.7);
});

test('small nudges of the player are no seeks', () => {
  const { tracker, events, play, at, jump } = setup();
  tracker.resumed(0);
  play(1);
  jump(at() + 0.2);
  tracker.seekBegan(at());
  tracker.seekEnded(at());
  play(1);
  tracker.ended(at());
  assert.ok(!kinds(events).includes('seek'));
});

test('a replaced source is a stall of the viewer, and no pause or seek', () => {
  const { tracker, events, play, wait, at } = setup();
  tracker.resumed(0);
  play(4);
  tracker.swapBegan(at());
  tracker.paused(0);
  tracker.seekBegan(0);
  tracker.advanced(0);
  wait(800);
  tracker.resumed(at());
  play(1);
  tracker.ended(at());
  assert.deepEqual(kinds(events), ['play', 'watch_time', 'stall', 'watch_time', 'ended']);
  assert.equal(watched(events), 5);
});

test('nothing is told after the end, and nothing without a first frame', () => {
  const { tracker, events, play, at } = setup();
  tracker.ended(0);
  assert.equal(events.length, 0);
  tracker.resumed(0);
  play(1);
  tracker.ended(at());
  tracker.ended(at());
  tracker.resumed(at());
  assert.equal(kinds(events).filter((type) => type === 'ended').length, 1);
  assert.equal(events.length, 3);
});
