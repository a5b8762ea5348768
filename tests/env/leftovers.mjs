// What must hold of the stores once all videos are READY: every effect is there once, and nothing that only work under way may leave behind.
import assert from 'node:assert/strict';

import { until } from './stack.mjs';

// `videos`: as the REST API tells of them, all there ever were; `workers`: pids of all processes that work off a queue.
export async function assertNothingIsLeftOver(stack, videos, { s3, workers }) {
  await assertRunsEnded(stack, videos);
  await assertRecordedOnce(stack, videos);
  await assertObjects(s3, videos);
  // The rows of the dead stay for a day, but nobody takes them for living ones.
  await until('the workers that live, and no others, to have a lease', async () => {
    const rows = await stack.postgres('vora_orchestrator', 'SELECT worker_id FROM activity_workers WHERE lease_deadline_us > vora_now_us()');
    const known = [...new Set(rows.map(([id]) => Number(id.split('/')[1])))].sort();   // a process has a lease for each of its queues
    return String(known) === String([...workers].sort());
  }, { timeout: 30_000 });
}

const none = async (stack, database, what, from) => {
  const rows = await stack.postgres(database, `SELECT * FROM ${from} LIMIT 20`);
  assert.deepEqual(rows, [], what);
};

async function assertRunsEnded(stack, videos) {
  // READY is recorded by the last activity but one moment before the run ends.
  await until('every run to be closed', async () => {
    const [[open]] = await stack.postgres('vora_orchestrator', "SELECT count(*) FROM workflow_runs WHERE status = 'RUNNING'");
    return open === '0';
  }, { timeout: 30_000 });
  const left = (what, from) => none(stack, 'vora_orchestrator', what, from);
  await left('runs that did not complete, or are parked', "workflow_runs WHERE status <> 'COMPLETED' OR stuck_reason <> ''");
  for (const table of ['activity_tasks', 'activity_second_attempts', 'workflow_timers', 'workflow_inbox']) await left(`rows of ${table}`, table);
  const runs = await stack.postgres('vora_orchestrator', 'SELECT workflow_id FROM workflow_runs ORDER BY workflow_id');
  assert.deepEqual(runs.flat(), videos.map((video) => `video/${video.video_id}`).sort(), 'one run for each video');
  await left('histories with a hole, or longer than their run knows', `(
    SELECT run_id, history_length, count(event_id), min(event_id), max(event_id) FROM workflow_runs LEFT JOIN workflow_events USING (run_id) GROUP BY run_id
    HAVING count(event_id) <> history_length OR min(event_id) <> 1 OR max(event_id) <> history_length) AS broken`);
}

async function assertRecordedOnce(stack, videos) {
  const left = (what, from) => none(stack, 'vora_metadata', what, from);
  await left('rows of the outbox that were not sent', 'outbox WHERE done_at IS NULL');
  const starts = await stack.postgres('vora_metadata', "SELECT video_id FROM outbox WHERE kind = 'start' ORDER BY video_id");
  assert.deepEqual(starts.flat(), videos.map((video) => video.video_id).sort(), 'one start for each video');
  const known = await stack.postgres('vora_metadata', 'SELECT video_id FROM videos ORDER BY video_id');
  assert.deepEqual(known.flat(), videos.map((video) => video.video_id).sort(), 'one video for each upload');
  await left('renditions with other segments than they have', `(
    SELECT r.video_id, r.name, r.segments_total, count(idx), max(idx) FROM renditions r LEFT JOIN segments s ON s.video_id = r.video_id AND s.rendition = r.name
    GROUP BY r.video_id, r.name HAVING count(idx) <> r.segments_total OR max(idx) <> r.segments_total - 1) AS broken`);
}

// Every object that a video has, and none besides. An upload that was begun and left (its answer got lost) goes when it expires.
async function assertObjects(s3, videos) {
  const own = new Set(videos.flatMap(objects));
  const stored = await until('abandoned uploads to be swept', async () => {
    const keys = await s3.keys();
    return keys.some((key) => /^(open|announce)\//.test(key)) ? null : keys;
  });
  assert.deepEqual([...own].filter((key) => !stored.includes(key)), [], 'objects are missing');
  assert.deepEqual(stored.filter((key) => !own.has(key)), [], 'objects that no video owns');
  assert.deepEqual(await s3.unfinished(), [], 'multipart uploads that nobody ended');
}

// The keys of a short video, whose storyboard is one sheet.
function objects({ video_id: id, upload_id: upload, renditions, captions = [] }) {
  const track = (name, files) => files.map((file) => `processed/${id}/${name}/${file}`);
  return [
    ...['original', 'state'].map((name) => `raw/${upload}/${name}`),
    ...['master.m3u8', 'manifest.mpd', 'poster.jpg', 'storyboard.vtt', 'storyboard_0.jpg'].map((name) => `processed/${id}/${name}`),
    ...renditions.flatMap(({ name, segments_total: n }) => track(name, ['init.mp4', 'playlist.m3u8', ...Array.from({ length: n }, (_, i) => `seg_${i}.m4s`)])),
    ...captions.flatMap(({ language }) => track(`subs_${language}`, ['playlist.m3u8', 'seg_0.vtt'])),
  ];
}
