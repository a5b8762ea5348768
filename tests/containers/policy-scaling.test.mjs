// The scaling policy that deploy/kubernetes ships: the model of the autoscaler that simulates it, and the figures of docs/capacity.md.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { Fleet, Scaler, dayOfVideos, random } from '../../bench/scaling-model.mjs';
import { root } from '../env/stack.mjs';

const policy = {
  target: 120, min: 1, max: 40,
  up: { window: 0, percent: 100, pods: 4, period: 30 },
  down: { window: 300, percent: 25, pods: 1, period: 60 },
};
// The fleet every 15 s while `work(now)` encode-seconds wait.
function follow(scaler, size, work, until) {
  const sizes = [];
  for (let now = 0; now <= until; now += 15) sizes.push((size = scaler.wanted(now, size, work(now))));
  return sizes;
}

describe("the autoscaler's model", () => {
  test('wants the work divided by the target, rounded up, within the limits', () => {
    assert.equal(follow(new Scaler(policy), 1, () => 481, 600).at(-1), 5);
    assert.equal(follow(new Scaler(policy), 1, () => 0, 600).at(-1), 1);
    assert.equal(follow(new Scaler(policy), 1, () => 1e6, 600).at(-1), 40);
  });
  test('passes over a tenth', () => assert.equal(follow(new Scaler(policy), 10, () => 1290, 600).at(-1), 10));
  test('grows by four or by as many as there are within 30 s, whichever is more', () => {
    assert.deepEqual(follow(new Scaler(policy), 1, () => 1e6, 120), [5, 5, 10, 10, 20, 20, 40, 40, 40]);
  });
  test('keeps the largest fleet wanted within five minutes, then lets a quarter go a minute', () => {
    const sizes = follow(new Scaler(policy), 20, (now) => (now === 0 ? 2400 : 0), 600);
    assert.ok(sizes.slice(0, 21).every((size) => size === 20), `${sizes}`);
    assert.equal(sizes[21], 15);
    assert.equal(sizes[24], 15);
    assert.ok(sizes[25] < 15 && sizes[25] >= 11, `${sizes}`);
    assert.ok(sizes.every((size, i) => i === 0 || size <= sizes[i - 1]));
  });
});

describe("the fleet's model", () => {
  test('loses no work, whatever leaves', () => {
    const fleet = new Fleet({ random: random(7), startSeconds: 30, initial: 3 });
    const next = random(8);
    const videos = dayOfVideos(random(9), 20).slice(0, 40);
    for (const video of videos) fleet.submit(video, 0);
    for (let now = 0; fleet.busy(); ++now) {
      if (now % 40 === 0) fleet.resize(1 + Math.floor(next() * 9), now);
      fleet.step(now);
      assert.ok(now < 1e6, 'it ends');
    }
    assert.ok(videos.every((video) => video.chunksLeft === 0 && video.ready >= video.playable));
    assert.ok(Math.abs(fleet.encodeSecondsLeft()) < 1e-3);
    assert.ok(fleet.repeatedSeconds > 0, 'workers did leave with work');
  });
});

describe('docs/capacity.md', () => {
  const simulate = (...options) => JSON.parse(execFileSync('node', [path.join(root, 'bench/scaling.mjs'), '--json', ...options], { encoding: 'utf8' }));
  const text = readFileSync(path.join(root, 'docs/capacity.md'), 'utf8');
  const whole = (value) => String(Math.round(value));
  const tenth = (seconds) => (seconds / 60).toFixed(1);

  test('tells what the simulation says today', () => {
    const day = simulate();
    assert.deepEqual(simulate(), day, 'the same seed, the same day');
    const { scaled } = day;
    assert.ok(text.includes(`| scaled | ${whole(scaled.workerHours)} | ${scaled.peak} | ${tenth(scaled.ready.p50)} min | ${tenth(scaled.ready.p95)} min | ${whole(scaled.ready.max / 60)} min |`));
    assert.ok(text.includes(`| ${day.fixedSame.size} workers all day: the same worker-hours | ${whole(day.fixedSame.workerHours)} | ${day.fixedSame.size} | ${tenth(day.fixedSame.ready.p50)} min | ${whole(day.fixedSame.ready.p95 / 60)} min |`));
    assert.ok(text.includes(`| ${day.fixedEqual.size} workers all day: the same p95 | ${whole(day.fixedEqual.workerHours)} |`));
  });
  test('tells of the target that is shipped, and of the others', () => {
    const shipped = /targetEncodeSeconds: "(\d+)"/.exec(readFileSync(path.join(root, 'deploy/kubernetes/scaling/keda/scaled-object.yaml'), 'utf8'))[1];
    for (const target of ['30', '60', '120', '240']) {
      const { scaled } = simulate('--target', target);
      const name = target === shipped ? `**${target}**` : target;
      assert.ok(text.includes(`| ${name} | ${whole(scaled.workerHours)} | ${tenth(scaled.ready.p50)} min | ${tenth(scaled.ready.p95)} min | ${whole(scaled.ready.max / 60)} min |`), target);
    }
  });
});
