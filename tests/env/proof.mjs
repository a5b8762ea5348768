// The promise of every fault test: nothing acknowledged was lost, nothing completed was done twice.
import assert from 'node:assert/strict';

import { assertContinuous, packets, parsePlaylist } from './media.mjs';
import { sha256File, until } from './stack.mjs';

// The whole workflow history of a video and what is pending.
export async function history(stack, videoId) {
  const { status, json } = await stack.api('GET', `/v1/videos/${videoId}/history`);
  assert.equal(status, 200, JSON.stringify(json));
  return json;
}

const typeName = (event) => event.type.replace(/^EVENT_TYPE_/, '');

// Each scheduled activity of the history, and each item of a group as one: [{ id, type, ends: [{ type, attempt, time }] }].
export function activities(record) {
  const all = new Map();   // by event, and of a group by event and item
  const items = (a) => (a.items ?? []).map((item) => item.name ?? item);
  const end = (key, event, type, attempt) => {
    const activity = all.get(key);
    assert.ok(activity, `event ${event.event_id} ends an activity that nobody scheduled`);
    activity.ends.push({ type, attempt, time: Date.parse(event.time) });
  };
  for (const event of record.events) {
    const a = event.attributes;
    const type = typeName(event);
    if (type === 'ACTIVITY_TASK_SCHEDULED') {
      for (const name of items(a)) all.set(`${event.event_id} ${name}`, { id: `${name}/${a.activity_id}`, type: a.activity_type, ends: [] });
      if (!a.items) all.set(event.event_id, { id: a.activity_id, type: a.activity_type, ends: [] });
    } else if (a.items && /^ACTIVITY_TASK_(COMPLETED|ITEMS_ENDED)$/.test(type)) {
      for (const item of a.items) end(`${a.scheduled_event_id} ${item.name}`, event, item.failure ? 'ACTIVITY_TASK_FAILED' : 'ACTIVITY_TASK_COMPLETED', item.attempt);
    } else if (/^ACTIVITY_TASK_(COMPLETED|FAILED|TIMED_OUT|CANCELED)$/.test(type)) {
      const own = [...all].filter(([key, activity]) => String(key).startsWith(`${a.scheduled_event_id} `) && activity.ends.length === 0);
      for (const [key] of own) end(key, event, type, a.attempt);
      if (own.length === 0) end(Number(a.scheduled_event_id), event, type, a.attempt);
    }
  }
  return [...all.values()];
}

// The edge may show for a few seconds what a growing playlist was when it was last asked for.
function finalPlaylist(stack, url) {
  return until(`the end in ${url}`, async () => {
    const playlist = parsePlaylist(await (await stack.fetch(url)).text());
    return playlist.ended && playlist;
  }, { timeout: 10_000 });
}

export async function assertNothingLostOrDoneTwice(stack, videoId, file, { frames, storedSha256 } = {}) {
  const video = await stack.video(videoId);
  assert.equal(video.state, 'READY', `${video.failure_code} ${video.failure}`);
  for (const rendition of video.renditions) {
    assert.equal(rendition.state, 'DONE', `${rendition.name}: ${rendition.failure}`);
    assert.equal(rendition.segments_done, rendition.segments_total, rendition.name);
  }

  // The source, byte for byte.
  const stored = storedSha256 ?? (await stack.objectSha256(`raw/${video.upload_id}/original`));
  assert.equal(stored, await sha256File(file), 'the stored source is not the uploaded file');

  // Every activity was scheduled once and has exactly one end; no identity was completed twice.
  const record = await history(stack, videoId);
  const list = activities(record);
  assert.ok(list.length > 5, 'the history names the activities');
  const done = new Set();
  for (const activity of list) {
    assert.equal(activity.ends.length, 1, `${activity.id} has ${activity.ends.length} ends`);
    assert.equal(activity.ends[0].type, 'ACTIVITY_TASK_COMPLETED', activity.id);
    assert.ok(!done.has(`${activity.type} ${activity.id}`), `${activity.id} was completed twice`);
    done.add(`${activity.type} ${activity.id}`);
  }
  // No worker began an activity again after its completion was in the history.
  const ends = new Map(list.map((activity) => [activity.id, activity.ends[0].time]));
  let starts = 0;
  for (const part of ['transcode-worker', 'metadata']) {
    for (const line of await stack.logs(part)) {
      if (line.msg !== 'activity started' || line.workflow_id !== `video/${videoId}`) continue;
      starts += 1;
      const end = ends.get(line.activity_id);
      assert.ok(end !== undefined, `${line.activity_id} ran but is not in the history`);
      assert.ok(Date.parse(line.ts) <= end + 50, `${line.activity_id} began at ${line.ts}, after it was completed`);
    }
  }
  assert.ok(starts >= list.length, 'the logs show every activity beginning');

  // Every frame of every rendition is there, once.
  for (const rendition of video.renditions) {
    const url = `${stack.edge}/v/${videoId}/${rendition.name}/playlist.m3u8`;
    assert.equal((await finalPlaylist(stack, url)).segments.length, rendition.segments_total, url);
    const kind = rendition.name.startsWith('audio') ? 'a' : 'v';
    const all = await packets(url, kind);
    assertContinuous(all, url);
    if (kind === 'v' && frames) assert.equal(all.length, frames, `frames of ${rendition.name}`);
  }
  return { video, activities: list, record };
}
