import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FailedAttempt, HistoryEvent, PendingActivity, Workflow } from '../api/schema';
import { buildTimeline, groupOf, labelOf, tickLabel, ticks } from './model';

const at = (ms: number) => new Date(1_700_000_000_000 + ms).toISOString();
const workflow = (more: Partial<Workflow> = {}): Workflow => ({
  workflow_id: 'video/v', run_id: 'r', type: 'ProcessVideo', status: 'RUNNING', start_time: at(0), history_length: 1, cancel_requested: false, stuck_reason: '', ...more,
});
const scheduled = (id: number, activity: string, ms: number, type = 'media.EncodeChunk'): HistoryEvent => ({
  event_id: id, type: 'ACTIVITY_TASK_SCHEDULED', time: at(ms), attributes: { activity_id: activity, activity_type: type, queue: 'transcode' },
});
const ended = (id: number, of: number, began: number, ms: number, more: object = {}, type = 'ACTIVITY_TASK_COMPLETED'): HistoryEvent => ({
  event_id: id, type, time: at(ms), attributes: { scheduled_event_id: of, attempt: 1, worker_id: 'w', started_time_us: (1_700_000_000_000 + began) * 1000, ...more },
});
const now = 1_700_000_000_000 + 9000;

test('activities fall into groups, renditions from the bottom up', () => {
  const ids: [string, string][] = [['video/READY', 'metadata.RecordVideo'], ['1080p/chunk/0', 'media.EncodeChunk'], ['360p/chunk/0', 'media.EncodeChunk'], ['masters', 'media.PublishMasters'],
    ['360p/publish', 'media.PublishTrack'], ['audio_0', 'media.EncodeAudio'], ['poster', 'media.ExtractPoster'], ['storyboard', 'media.MakeStoryboard'], ['plan/recorded', 'metadata.RecordPlan'],
    ['probe', 'media.Probe'], ['subs_en', 'media.ExtractCaptions']];
  const events = ids.map(([id, type], index) => scheduled(index + 1, id, index, type));
  const { groups } = buildTimeline(workflow(), events, [], [], now);
  assert.deepEqual(groups.map(({ label }) => label), ['Probe', 'Plan', 'Poster and storyboard', 'Audio', 'Captions', '360p', '1080p', 'Publish', 'Metadata records']);
  assert.equal(groups[2]!.bars.length, 2);
  assert.equal(groupOf('something', 'media.New'), 'other');
  assert.equal(labelOf('720p/chunk/3', 'media.EncodeChunk'), 'Chunk 3');
});

test('waiting and running are told apart', () => {
  const { groups, from, to } = buildTimeline(workflow({ status: 'COMPLETED', close_time: at(5000) }), [scheduled(1, '720p/chunk/0', 100), ended(2, 1, 1500, 4000)], [], [], now);
  const bar = groups[0]!.bars[0]!;
  assert.deepEqual([bar.state, bar.scheduled - from, bar.started! - from, bar.ended! - from, bar.worker], ['done', 100, 1500, 4000, 'w']);
  assert.equal(to - from, 5000);
});

test('a failure keeps its message and attempts', () => {
  const failure = { code: 'media.decode', message: 'broken', non_retryable: true, details: 'tail' };
  const { groups, counts } = buildTimeline(workflow(), [scheduled(1, '720p/chunk/0', 0), ended(2, 1, 500, 900, { attempt: 3, failure }, 'ACTIVITY_TASK_FAILED')], [], [], now);
  const bar = groups[0]!.bars[0]!;
  assert.equal(bar.state, 'failed');
  assert.deepEqual(bar.failure, failure);
  assert.deepEqual([groups[0]!.failed, groups[0]!.retries, counts.failed], [1, 2, 1]);
});

test('what runs grows until now; what failed before stays', () => {
  const pending: PendingActivity[] = [
    { scheduled_event_id: 1, activity_type: 'media.EncodeChunk', activity_id: '720p/chunk/0', state: 'STARTED', attempt: 1, progress: 0.4, worker_id: 'w', scheduled_time: at(0), started_time: at(1000),
      second_attempt: { worker_id: 'w3', started_time: at(4000), progress: 0.1 } },
    { scheduled_event_id: 2, activity_type: 'media.EncodeChunk', activity_id: '720p/chunk/1', state: 'SCHEDULED', attempt: 2, progress: 0, worker_id: 'w2', scheduled_time: at(0),
      next_attempt_time: at(12_000), last_failure: { code: 'worker.lost', message: 'gone', non_retryable: false, details: '' } },
  ];
  const failed: FailedAttempt[] = [{ scheduled_event_id: 2, activity_type: 'media.EncodeChunk', activity_id: '720p/chunk/1', attempt: 1, worker_id: 'w2', started_time: at(500), ended_time: at(2000),
    outcome: 'LOST', failure: { code: 'worker.lost', message: 'gone', non_retryable: false, details: '' } }];
  const events = [scheduled(1, '720p/chunk/0', 0), scheduled(2, '720p/chunk/1', 0)];
  const { groups, to, counts } = buildTimeline(workflow(), events, pending, failed, now);
  const [running, retrying] = groups[0]!.bars;
  assert.deepEqual([running!.state, running!.progress, running!.ended, running!.second], ['running', 0.4, null, 'w3']);
  assert.equal(retrying!.state, 'retrying');
  assert.equal(to, now);
  assert.deepEqual([counts.running, counts.retrying], [1, 1]);
  // Later it succeeded; the events alone would not tell what went wrong before.
  const later = buildTimeline(workflow(), [...events, ended(3, 2, 5000, 6000, { attempt: 2 })], pending.slice(0, 1), failed, now);
  assert.deepEqual(later.groups[0]!.bars[1]!.earlier.map(({ attempt, failure, worker_id }) => [attempt, failure?.code, worker_id]), [[1, 'worker.lost', 'w2']]);
});

test('what was open when the run closed ended with it', () => {
  const { groups } = buildTimeline(workflow({ status: 'CANCELED', close_time: at(2000) }), [scheduled(1, 'probe', 0, 'media.Probe')], [], [], now);
  assert.deepEqual([groups[0]!.bars[0]!.state, groups[0]!.bars[0]!.ended], ['canceled', 1_700_000_002_000]);
});

test('an empty history is no error', () => {
  const { groups, from, to } = buildTimeline(workflow({ start_time: at(9000) }), [], [], [], now);
  assert.deepEqual(groups, []);
  assert.ok(to > from);
});

test('each item of a group is a bar, with its own end and attempts', () => {
  const group: HistoryEvent = { ...scheduled(1, 'chunk/3', 0, 'media.EncodeGroup') };
  group.attributes = { ...group.attributes, items: ['360p', '720p', '1080p'] };
  const events = [
    group,
    ended(2, 1, 500, 900, { items: [{ name: '360p', attempt: 1, result: '{}' }, { name: '1080p', attempt: 1, failure: { code: 'media.broken', message: 'no' } }] }, 'ACTIVITY_TASK_ITEMS_ENDED'),
  ];
  const pending: PendingActivity[] = [
    { scheduled_event_id: 1, activity_type: 'media.EncodeGroup', activity_id: '720p/chunk/3', state: 'STARTED', attempt: 2, progress: 0.4, worker_id: 'w', scheduled_time: at(0), started_time: at(1000), queue: 'q' },
  ];
  const failed: FailedAttempt[] = [{ scheduled_event_id: 1, activity_type: 'media.EncodeGroup', activity_id: '720p/chunk/3', attempt: 1, worker_id: 'w2', started_time: at(500), ended_time: at(900), outcome: 'FAILED' }];
  const { groups, counts } = buildTimeline(workflow(), events, pending, failed, now);
  assert.deepEqual(groups.map(({ key }) => key), ['track:360p', 'track:720p', 'track:1080p']);
  assert.deepEqual(groups.map(({ bars }) => bars[0]!.state), ['done', 'running', 'failed']);
  assert.equal(groups[1]!.bars[0]!.attempt, 2);
  assert.equal(groups[1]!.bars[0]!.earlier.length, 1);
  assert.equal(groups[0]!.bars[0]!.earlier.length, 0);
  assert.equal(counts.done, 1);
  // A timeout of the whole ends what is left.
  const over = buildTimeline(workflow(), [...events, ended(3, 1, 500, 2000, { attempt: 2, failure: { code: 'timeout' } }, 'ACTIVITY_TASK_TIMED_OUT')], [], [], now);
  assert.deepEqual(over.groups.map(({ bars }) => bars[0]!.state), ['done', 'failed', 'failed']);
});

test('the axis has round steps', () => {
  assert.deepEqual(ticks(18_000, 9), [0, 2000, 4000, 6000, 8000, 10_000, 12_000, 14_000, 16_000, 18_000]);
  assert.deepEqual([0, 500, 5000, 90_000, 3_725_000].map(tickLabel), ['0', '0.5 s', '5 s', '1:30', '1:02:05']);
  for (const length of [1, 999, 1e7, 4e9]) assert.ok(ticks(length, 6).length <= 8, String(length));
});
