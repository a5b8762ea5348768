import assert from 'node:assert/strict';
import { once } from 'node:events';
import { before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { until } from '../env/stack.mjs';
import { stack } from './stack.mjs';

let video;
before(async () => {
  await stack.up();
  const created = await stack.upload(await source({ seconds: 8, width: 640, height: 360 }), ['--title', 'A title to find']);
  video = await stack.reach(created.video_id);
});

test('--help and mistakes are answered for a newcomer', async () => {
  const help = await stack.cli(['--help']);
  assert.equal(help.code, 0);
  for (const name of ['upload', 'list', 'show', 'watch', 'play-url', 'cancel', 'retry', 'delete', 'history']) assert.match(help.stdout, new RegExp(`\\b${name}\\b`));
  assert.equal((await stack.cli([])).code, 2);
  const missing = await stack.cli(['upload', '/nowhere/x.mp4']);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /\/nowhere\/x\.mp4: no such file/);
  const away = await stack.cli(['--server', 'http://127.0.0.1:9', 'list']);
  assert.equal(away.code, 1);
  assert.match(away.stderr, /no answer from http:\/\/127\.0\.0\.1:9.*up\.sh/);
  const unknown = await stack.cli(['show', '00000000000000000000000000000000']);
  assert.equal(unknown.code, 1);
});

test('list, show, play-url and history, for people and for programs', async () => {
  const list = await stack.cli(['list', '--query', 'title to FIND']);
  assert.match(list.stdout, new RegExp(`${video.video_id}\\s+READY\\s+100 %\\s+0:08\\s+A title to find`));
  const page = await stack.cli(['--json', 'list', '--page-size', '1']);
  assert.equal(page.json[0].videos.length, 1);
  const show = await stack.cli(['show', video.video_id]);
  assert.match(show.stdout, /watch\s+http/);
  const url = await stack.cli(['play-url', video.video_id]);
  assert.equal(url.stdout.trim(), `${stack.edge}/v/${video.video_id}/master.m3u8`);
  const history = await stack.cli(['history', video.video_id]);
  assert.match(history.stdout, /ACTIVITY_TASK_COMPLETED/);
  assert.match(history.stdout, /WORKFLOW_EXECUTION_COMPLETED/);
});

test('an interrupted upload goes on with the same command', async () => {
  const file = await source({ seconds: 20 });
  const first = stack.spawnCli(['upload', '--no-wait', '--max-rate', '2MB', file]);
  let said = '';
  first.stderr.on('data', (bytes) => { said += bytes; });
  await until('some progress', () => /upload {4}\[#+-+\] +[1-9]\d %/.test(said), { timeout: 30_000 });
  first.kill('SIGINT');
  const [code] = await once(first, 'exit');
  assert.equal(code, 130);
  assert.match(said, /The same command goes on/);
  const second = await stack.cli(['--json', 'upload', '--no-wait', file]);
  assert.equal(second.code, 0, second.stderr);
  assert.ok(second.json.at(-1).resumed_from > 0, 'it began again from the start');
  await stack.cli(['cancel', second.json.at(-1).video_id]);
});

test('cancel stops, retry goes on, delete removes', async () => {
  const created = await stack.upload(await source({ seconds: 20 }));
  await until('it to be processed', async () => (await stack.video(created.video_id)).renditions.some((r) => r.progress_percent > 0), { timeout: 60_000 });
  assert.equal((await stack.cli(['cancel', created.video_id])).code, 0);
  await stack.reach(created.video_id, ['CANCELLED'], { timeout: 30_000 });
  const retried = await stack.cli(['retry', '--wait', created.video_id]);
  assert.equal(retried.code, 0, retried.stderr);
  assert.equal((await stack.video(created.video_id)).state, 'READY');
  const again = await stack.cli(['retry', created.video_id]);
  assert.equal(again.code, 1, 'there is nothing to retry');

  assert.equal((await stack.cli(['delete', created.video_id])).code, 0);
  assert.equal((await stack.api('GET', `/v1/videos/${created.video_id}`)).status, 404);
  await until('its objects to be gone', async () => {
    const { stdout } = await stack.shell(`find "$VORA_HOME/objects" -path "*${created.video_id}*" -type f | wc -l; find "$VORA_HOME/objects" -path "*${created.upload_id}*" -type f | wc -l`);
    return stdout.trim().split(/\s+/).every((n) => n === '0');
  }, { timeout: 60_000 });
});

test('operators pause, hurry and limit', async () => {
  const created = await stack.upload(await source({ seconds: 21 }), ['--priority', '5']);
  assert.equal(created.priority, 5);
  await until('it to be processed', async () => (await stack.video(created.video_id)).renditions.length > 0, { timeout: 60_000 });
  const paused = await stack.cli(['pause', '--reason', 'for a moment', created.video_id]);
  assert.equal(paused.code, 0, paused.stderr);
  assert.match(paused.stdout, /Paused since .*: for a moment\./);
  assert.match((await stack.cli(['history', created.video_id])).stdout, /^Paused since .*: for a moment\.$/m);
  const hurried = await stack.cli(['--json', 'priority', created.video_id, '--', '-7']);
  assert.equal(hurried.code, 0, hurried.stderr);
  assert.equal(hurried.json[0].priority, -7);
  const asked = await stack.api('POST', '/v1/videos', { upload_id: created.upload_id, priority: 9 });
  assert.equal(asked.status, 200, JSON.stringify(asked.json));
  assert.equal(asked.json.priority, 9);
  assert.equal((await stack.api('GET', `/v1/videos/${created.video_id}/history`)).json.workflow.priority, 9);
  assert.match((await stack.cli(['retry-now', created.video_id])).stdout, /Nothing waits|Tried again now/);
  const none = await stack.cli(['retry-now', '--activity', 'nothing', created.video_id]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /no open activity nothing/);
  assert.match((await stack.cli(['resume', created.video_id])).stdout, /goes on/);
  await stack.reach(created.video_id, ['READY'], { timeout: 120_000 });
  const closed = await stack.cli(['pause', created.video_id]);
  assert.equal(closed.code, 1);
  assert.match(closed.stderr, /closed \(COMPLETED\)/);
  assert.equal((await stack.cli(['priority', created.video_id, '1001'])).code, 2);
  assert.equal((await stack.cli(['upload', '--priority', 'high', 'x'])).code, 2);

  assert.match((await stack.cli(['queues'])).stdout, /^transcode +open/m);
  assert.match((await stack.cli(['queue', 'spare', '--pause', '--max-running', '3'])).stdout, /spare {2}PAUSED[^]*max running +3\n/);
  await until('the fleet to be looked at again', async () => /^spare +paused/m.test((await stack.cli(['queues'])).stdout), { timeout: 10_000 });
  assert.match((await stack.cli(['queue', 'spare', '--reset'])).stdout, /^spare\n[^]*max running +no limit\n/);
  assert.match((await stack.cli(['tenant', 'acme', '--weight', '2', '--max-starts-per-second', '1.5'])).stdout, /weight +2\.0\n[^]*per second +1\.5/);
  assert.match((await stack.cli(['tenants'])).stdout, /^acme\n/);
  const refused = await stack.cli(['tenant', 'acme', '--weight', '0']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /weight: must be 0\.001 to 1000/);
  assert.equal((await stack.cli(['tenant', 'acme', '--reset'])).code, 0);
  assert.match((await stack.cli(['tenants'])).stdout, /as usual/);
});

test('live changes come over SSE', async () => {
  const created = await stack.upload(await source({ seconds: 8, width: 640, height: 360 }));
  const watch = await stack.cli(['--json', 'watch', created.video_id]);
  assert.equal(watch.code, 0, watch.stderr);
  const states = watch.json.map((v) => v.state);
  assert.equal(states.at(-1), 'READY');
  const versions = watch.json.map((v) => v.version);
  assert.deepEqual(versions, [...versions].sort((a, b) => a - b), 'versions only grow');
});
