// One trace follows a video from its upload to READY, and a viewer through the edge; a collector that is away harms nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readFile } from 'node:fs/promises';

import { source } from '../env/media.mjs';
import { Collector, newTraceparent, spanIdOf, traceIdOf } from '../env/otlp.mjs';
import { Stack, until } from '../env/stack.mjs';

const collector = new Collector();
let stack, file;

before(async () => {
  await collector.start();
  stack = new Stack('traces', 27300, { VORA_OTLP_ENDPOINT: collector.url });
  await stack.reset();
  file = await source({ seconds: 8, width: 640, height: 360 });
});
after(async () => {
  await stack?.down(['--wipe']);
  await collector.kill().catch(() => {});
});

// As a tus client that takes part in the trace `traceparent`; the video's id.
async function upload(traceparent) {
  const bytes = await readFile(file);
  const headers = { 'tus-resumable': '1.0.0', traceparent };
  const created = await stack.fetch(stack.uploads, { method: 'POST', headers: { ...headers, 'upload-length': String(bytes.length) } });
  assert.equal(created.status, 201);
  const location = new URL(created.headers.get('location'), stack.uploads).href;
  const half = bytes.length >> 1;
  for (const [from, to] of [[0, half], [half, bytes.length]]) {
    const patched = await stack.fetch(location, {
      method: 'PATCH',
      headers: { ...headers, 'upload-offset': String(from), 'content-type': 'application/offset+octet-stream' },
      body: bytes.subarray(from, to),
    });
    assert.equal(patched.status, 204);
  }
  return until('the video', async () => {
    const { json } = await stack.api('GET', '/v1/videos');
    return json.videos.find((video) => location.endsWith(video.upload_id))?.video_id;
  });
}

const brief = (span) => `${span.service} ${span.name} (${span.spanId} of ${span.parent || 'nobody'})`;

// All spans of the trace, once every parent is there and `complete` says so.
async function gather(traceparent, complete) {
  const id = traceIdOf(traceparent);
  await until(
    `the trace ${id} to be complete`,
    () => {
      const orphans = collector.orphans(id, [spanIdOf(traceparent)]);
      const missing = complete(collector.trace(id));
      if (!missing && orphans.length === 0) return true;
      throw new Error(`missing: ${missing || 'nothing'}; without a parent: ${orphans.map(brief).join(', ')}; have ${collector.trace(id).map(brief).join('\n')}`);
    },
    { timeout: 30_000 },
  );
  return collector.trace(id);
}

// A span never begins before the one that caused it; PostgreSQL's clock and the upload's (milliseconds) take part.
function assertTimesAreSane(spans) {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  assert.equal(byId.size, spans.length, 'no span id stands twice');
  for (const span of spans) {
    const parent = byId.get(span.parent);
    if (parent) assert.ok(span.start >= parent.start - 5_000_000n, `${brief(span)} begins ${parent.start - span.start} ns before ${brief(parent)}`);
  }
}

const wanted = {
  'vora-upload': ['POST /files', 'PATCH /files/{id}', 'upload', 'announce upload', 'vora.upload.v1.UploadListener/UploadFinished'],
  'vora-metadata': ['vora.upload.v1.UploadListener/UploadFinished', 'create video', 'outbox start', 'vora.workflow.v1.WorkflowService/StartWorkflow',
    'activity metadata.RecordPlan', 'activity metadata.RecordVideo', 'vora.workflow.v1.ActivityService/CompleteActivity'],
  'vora-orchestrator': ['vora.workflow.v1.WorkflowService/StartWorkflow', 'transition ProcessVideo', 'workflow ProcessVideo',
    'vora.workflow.v1.ActivityService/CompleteActivity'],
  'vora-transcode-worker': ['activity ', 'vora.workflow.v1.ActivityService/CompleteActivity'],
};

let video;
test('one trace id follows a video from its upload to READY, through every daemon, without a gap', async () => {
  const traceparent = newTraceparent();
  const id = await upload(traceparent);
  video = await stack.reach(id);
  const spans = await gather(traceparent, (all) => {
    for (const [service, names] of Object.entries(wanted)) {
      for (const name of names) {
        if (!all.some((span) => span.service === service && (span.name === name || (name.endsWith(' ') && span.name.startsWith(name))))) return `${service} ${name}`;
      }
    }
    return '';
  });
  assertTimesAreSane(spans);
  assert.deepEqual(spans.filter((span) => span.failed).map((span) => `${brief(span)}: ${span.error}`), []);

  const run = spans.find((span) => span.name === 'workflow ProcessVideo');
  assert.equal(run.attributes['vora.workflow.id'], `video/${id}`);
  const last = spans.find((span) => span.name === 'activity metadata.RecordVideo' && span.end <= run.end + 2_000_000_000n);
  assert.ok(last, 'the activity that makes it READY is in the trace');
  const activities = spans.filter((span) => span.name.startsWith('activity '));
  const waits = spans.filter((span) => span.name.startsWith('wait '));
  assert.ok(waits.length >= activities.length, `${activities.length} activities were waited for ${waits.length} times`);
  assert.ok(activities.every((span) => span.parent === run.parent), 'activities and the run hang on the one span that started it');
  const post = spans.find((span) => span.name === 'POST /files');
  assert.equal(post.parent, spanIdOf(traceparent));
  assert.equal(post.attributes['http.response.status_code'], 201);
  assert.equal(post.kind, 2);
  assert.deepEqual(collector.faults, []);
});

test('a play has a trace of its own, through the gateway', async () => {
  const traceparent = newTraceparent();
  for (const name of ['master.m3u8', '360p/playlist.m3u8', '360p/init.mp4', '360p/seg_0.m4s']) {
    const response = await stack.fetch(`/v/${video.video_id}/${name}`, { headers: { traceparent } });
    assert.equal(response.status, 200, name);
    await response.arrayBuffer();
  }
  const spans = await gather(traceparent, (all) => (all.filter((span) => span.service === 'vora-streaming-gateway' && span.kind === 2).length >= 4 ? '' : 'four requests'));
  assertTimesAreSane(spans);
  assert.ok(spans.every((span) => !('vora-upload' === span.service)));
  assert.deepEqual(collector.faults, []);
});

test('what is not sampled leaves nothing, and probes and polls begin no trace', async () => {
  const dropped = newTraceparent().replace(/01$/, '00');
  assert.equal((await stack.fetch('/v1/videos', { headers: { traceparent: dropped } })).status, 200);
  const kept = newTraceparent();
  assert.equal((await stack.fetch('/v1/videos', { headers: { traceparent: kept } })).status, 200);
  await gather(kept, (all) => (all.length > 0 ? '' : 'the request'));
  assert.deepEqual(collector.trace(traceIdOf(dropped)), []);
  const noise = collector.spans.filter((span) => /readyz|livez|metrics|grpc\.health|PollActivities|ReportWorker/.test(span.name));
  assert.deepEqual(noise.map(brief), []);
});

test('a collector that dies changes nothing for a video, and is found again', async () => {
  const pids = await Promise.all(['upload', 'metadata', 'orchestrator', 'transcode-worker'].map((part) => stack.pid(part)));
  const { port } = collector;
  await collector.kill();
  const id = await upload(newTraceparent());
  const ready = await stack.reach(id);
  assert.deepEqual(ready.renditions.map((r) => [r.name, r.state]).sort(), video.renditions.map((r) => [r.name, r.state]).sort());
  assert.deepEqual(await Promise.all(['upload', 'metadata', 'orchestrator', 'transcode-worker'].map((part) => stack.pid(part))), pids);
  for (const part of ['upload', 'metadata', 'orchestrator', 'transcode-worker']) {
    const worse = (await stack.logs(part)).filter((line) => line.level === 'error');
    assert.deepEqual(worse, [], part);
  }
  await collector.start(port);
  const traceparent = newTraceparent();
  assert.equal((await stack.fetch('/v1/videos', { headers: { traceparent } })).status, 200);
  await gather(traceparent, (all) => (all.some((span) => span.name === 'GET /v1/videos') ? '' : 'the request'));
  assert.deepEqual(collector.faults, []);
});
