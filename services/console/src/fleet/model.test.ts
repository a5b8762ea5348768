import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Fleet } from '../api/schema';
import { activityOf, concernsOf, limitsOf, verdict, withSettings } from './model';

const well: Fleet = {
  daemons: [{ name: 'upload', address: 'a:1', state: 'ready', detail: '', check_seconds: 0.001 }],
  workers: [{ worker_id: 'w', queue: 'transcode', slots: 2, running: 1, encode_speed: 2, version: '1', activities: [] }],
  queues: [{ name: 'transcode', ready: 3, delayed: 0, running: 1, oldest_ready_seconds: 10, estimated_encode_seconds: 9, paused: false, max_running: 0, max_starts_per_second: 0, held: 0 }],
  orchestrator_error: '',
};

test('all is well', () => {
  assert.deepEqual(concernsOf(well), []);
  assert.equal(verdict([]), 'All is well');
});

test('each trouble is named with what to do', () => {
  const concerns = concernsOf({
    daemons: [{ ...well.daemons[0]!, state: 'away' }, { name: 'metadata', address: 'b:2', state: 'not_ready', detail: 'it is alive', check_seconds: 0 }],
    workers: [], queues: well.queues, orchestrator_error: 'no answer',
  });
  assert.equal(verdict(concerns), '4 things need attention');
  assert.match(concerns[0]!.advice, /running on a:1/);
  assert.match(concerns[1]!.advice, /It is alive\.$/);
  assert.match(concerns.at(-1)!.title, /Nobody works on the queue transcode/);
  assert.deepEqual(concerns.map(({ serious }) => serious), [true, false, true, true]);
});

test('a queue that is behind is a remark', () => {
  const [concern] = concernsOf({ ...well, queues: [{ ...well.queues[0]!, oldest_ready_seconds: 600 }] });
  assert.equal(concern!.serious, false);
  assert.match(concern!.advice, /10 min/);
});

test('a paused queue is a remark, and not behind', () => {
  const [concern, ...others] = concernsOf({ ...well, workers: [], queues: [{ ...well.queues[0]!, paused: true, oldest_ready_seconds: 600 }] });
  assert.deepEqual(others, []);
  assert.equal(concern!.serious, false);
  assert.match(concern!.title, /transcode is paused/);
});

test('settings show before the next news of the fleet', () => {
  const changed = withSettings(well, { queue: 'transcode', paused: true, max_running: 4, max_starts_per_second: 0.5 });
  assert.equal(changed.queues[0]!.paused, true);
  assert.equal(limitsOf(changed.queues[0]!), 'at most 4 at a time, 0.5 a second');
  assert.equal(limitsOf(well.queues[0]!), '');
});

test('what a worker does is linked to its video', () => {
  assert.deepEqual(activityOf('video/abc: 720p/chunk/3'), { videoId: 'abc', what: '720p/chunk/3' });
  assert.deepEqual(activityOf('odd'), { videoId: '', what: 'odd' });
});
