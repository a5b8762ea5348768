// The compose stack, all of it from Debian packages: upload to playback, crashes of containers while a video is processed, and a restart
// with its volumes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import path from 'node:path';

import { assertContinuous, packets, parsePlaylist, source } from '../env/media.mjs';
import { Stack, run, until } from '../env/stack.mjs';
import { Service, compose, inspect, must, podman, unusable } from './engine.mjs';
import { debian, thirdParty, vora } from './images.mjs';

const reason = await unusable();
const project = 'vora-test-compose';
const ports = { VORA_EDGE_PORT: '28080', VORA_UPLOAD_PORT: '28081', VORA_UPLOAD_GRPC_PORT: '28085', VORA_METADATA_GRPC_PORT: '28086', PROMETHEUS_PORT: '28090' };
const env = { COMPOSE_PROJECT_NAME: project, VORA_NETWORK: '172.31.84', CEPH_BYTES: String(6 * 2 ** 30), ...ports };
const files = ['compose.yaml', 'compose.debian.yaml'];
const container = (service) => `${project}_${service}_1`;
const seconds = 16;

// What Stack knows of asking a running stack, of this one; its own way to start and stop is not used.
const stack = new Stack('containers', 28080);

async function up() {
  const { code, stdout, stderr } = await compose(files, ['up', '--detach'], env);
  if (code !== 0) throw new Error(`docker-compose up: exit code ${code}: ${`${stdout}\n${stderr}`.trim().split('\n').at(-1)}\n${await unwell()}`);
  await until('every container to be healthy', async () => {
    const waiting = [];
    for (const name of await containers()) {
      const { State } = await inspect(name);
      if (State.Health?.Status !== 'healthy') waiting.push(`${name} ${State.Status} ${State.Health?.Status}`);
    }
    if (waiting.length) throw new Error(waiting.join(', '));
    return true;
  });
  await until('the edge to answer', async () => (await stack.fetch('/v1/videos?page_size=1')).ok, { timeout: 30_000 });
}
// Of each container that is not healthy: what its last checks and its log say.
async function unwell() {
  const said = [];
  for (const name of await containers()) {
    const { State } = await inspect(name);
    if (State.Health?.Status === 'healthy') continue;
    const checks = (State.Health?.Log ?? []).slice(-2).map(({ ExitCode, Output }) => `${ExitCode} ${Output.trim()}`);
    const { stdout, stderr } = await podman(['logs', '--tail', '5', name]);
    said.push(`${name}: ${State.Status} ${State.Health?.Status} since ${State.StartedAt}; checks: ${checks.join(' | ')}; log: ${stdout}${stderr}`);
  }
  return said.join('\n');
}
async function down(...more) {
  const { code, stderr } = await compose(files, ['down', '--timeout', '60', ...more], env);
  assert.equal(code, 0, stderr);
}
const containers = async () => (await must(['ps', '--all', '--filter', `label=com.docker.compose.project=${project}`, '--format', '{{.Names}}'])).split('\n').filter(Boolean);

// The command line client of the image, in the stack's network.
async function upload(file, ...more) {
  const args = ['run', '--rm', '--read-only', '--network', `${project}_vora`, '--volume', `${file}:/source:ro`, '-e', 'VORA_SERVER=http://varnish:8080', '-e', 'VORA_UPLOAD_URL=http://upload:8081/files/'];
  const said = await must([...args, 'localhost/vora:latest', 'vora', '--json', 'upload', '--title', path.basename(file), ...more, '/source']);
  return JSON.parse(said.split('\n').at(-1));
}

// As the kernel would for want of memory: the process is gone, nobody has told the engine, and the container's restart policy has to act.
async function crash(service) {
  const { State, RestartCount } = await inspect(container(service));
  assert.ok(State.Running, `${service} is not running`);
  process.kill(State.Pid, 'SIGKILL');
  await until(`${service} to be restarted`, async () => {
    const now = await inspect(container(service));
    return now.State.Running && now.State.Pid !== State.Pid && now.RestartCount > RestartCount;
  }, { timeout: 60_000 });
}

// Everything a player would fetch: digests by path.
async function play(id) {
  const digests = {};
  const get = async (name) => {
    const response = await stack.fetch(`/v/${id}/${name}`);
    assert.equal(response.status, 200, name);
    const body = Buffer.from(await response.arrayBuffer());
    digests[name] = createHash('sha256').update(body).digest('hex');
    return body.toString();
  };
  const master = await get('master.m3u8');
  const lists = [...master.matchAll(/^([^#\s]+playlist\.m3u8)/gm), ...master.matchAll(/URI="([^"]+playlist\.m3u8)"/g)].map(([, uri]) => uri);
  assert.ok(lists.length >= 2, master);
  for (const list of new Set(lists)) {
    const folder = path.dirname(list);
    const media = parsePlaylist(await get(list));
    assert.ok(media.segments.length > 0, list);
    for (const segment of media.segments) await get(`${folder}/${segment.uri}`);
  }
  await get('manifest.mpd');
  return digests;
}

const views = async (id) => (await stack.api('GET', `/v1/videos/${id}/analytics`)).json?.totals?.views ?? 0;

if (reason) test('the compose stack', { skip: reason }, () => {});
else describe('the compose stack', () => {
  let service, first, second, played;

  before(async () => {
    await vora();
    for (const name of thirdParty) await debian(name);
    service = await new Service().start();
    await down('--volumes');
    await up();
  }, { timeout: 1_800_000 });
  after(async () => {
    if (!service) return;
    await compose(files, ['down', '--volumes', '--timeout', '10'], env);
    await service.stop();
    const left = [
      await must(['ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`]),
      await must(['volume', 'ls', '--quiet', '--filter', `label=com.docker.compose.project=${project}`]),
      await must(['network', 'ls', '--quiet', '--filter', `label=com.docker.compose.project=${project}`]),
    ];
    assert.deepEqual(left, ['', '', ''], 'the test leaves nothing behind');
  }, { timeout: 300_000 });

  test('containers start once those that they depend on are healthy', async () => {
    // docker-compose brings PyYAML with it.
    const { stdout: yaml } = await compose(files, ['config'], env);
    const { stdout: json } = await run('python3', ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1])))', yaml]);
    let arrows = 0;
    // What stands in a profile is not started unasked.
    for (const [name, { depends_on: needed = {}, profiles = [] }] of Object.entries(JSON.parse(json).services)) {
      if (profiles.length) continue;
      const started = Date.parse((await inspect(container(name))).State.StartedAt);
      for (const [other, { condition }] of Object.entries(needed)) {
        assert.equal(condition, 'service_healthy', `${name} -> ${other}`);
        // The check's own answer comes first; what is remembered is when it was read.
        assert.ok(service.healthy.get(container(other)) < started + 2000, `${name} started before ${other} was healthy`);
        arrows += 1;
      }
    }
    assert.ok(arrows >= 15, `${arrows} dependencies`);
  });

  test('each container is confined: not root, read-only, no capabilities, no new privileges, limits; ports on loopback only', async () => {
    for (const name of await containers()) {
      const { HostConfig, Config, EffectiveCaps, BoundingCaps } = await inspect(name);
      assert.ok(HostConfig.ReadonlyRootfs, `${name}: read-only`);
      assert.ok(!/^(|0|root)(:|$)/.test(Config.User), `${name} runs as ${Config.User || 'root'}`);
      // The store's public image takes over its volume as root before it gives root up; an override file cannot take that from a list.
      const granted = name.includes('_s3_') ? ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_SETGID', 'CAP_SETUID'] : [];
      assert.deepEqual(BoundingCaps ?? [], granted, `${name}: capabilities`);
      assert.deepEqual(EffectiveCaps ?? [], granted, `${name}: capabilities`);
      assert.ok(HostConfig.SecurityOpt.some((option) => option.startsWith('no-new-privileges')), `${name}: no-new-privileges`);
      assert.ok(HostConfig.Memory > 0 && HostConfig.PidsLimit > 0, `${name}: limits`);
      for (const binding of Object.values(HostConfig.PortBindings).flat().filter(Boolean)) assert.equal(binding.HostIp, '127.0.0.1', name);
    }
  });

  test('the client in the image uploads a video, and Varnish plays it', async () => {
    const file = await source({ seconds, width: 1280, height: 720 });
    first = await upload(file);
    const video = await stack.reach(first.video_id);
    assert.deepEqual(video.renditions.map(({ name }) => name).sort(), ['360p', '720p', 'audio_0']);
    played = await play(video.video_id);
    const segment = Object.keys(played).find((name) => /720p\/.*\.m4s$/.test(name));
    assert.equal((await stack.fetch(`/v/${video.video_id}/${segment}`)).headers.get('x-cache'), 'HIT');
    const end = assertContinuous(await packets(`${stack.edge}/v/${video.video_id}/720p/playlist.m3u8`, 'v'), '720p');
    assert.ok(Math.abs(end - seconds) < 0.05, `${end}`);
  });

  test('events that a player posts through the edge are in the numbers', async () => {
    const posted = await stack.fetch('/e', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(['play', 'watch_time'].map((type, sequence) => ({
        video_id: first.video_id, session_id: 'container-1', type, sequence, player_time: new Date().toISOString(), position_seconds: 1, duration_seconds: 1,
      }))),
    });
    assert.equal(posted.status, 202, await posted.text());
    await until('the view in the numbers', async () => (await views(first.video_id)) >= 1, { timeout: 30_000 });
  });

  test('Prometheus scrapes every daemon', async () => {
    await until('six targets that are up', async () => {
      const { data } = await (await fetch(`http://127.0.0.1:${ports.PROMETHEUS_PORT}/api/v1/targets?state=active`)).json();
      const daemons = data.activeTargets.filter(({ labels }) => labels.job.startsWith('vora-'));
      const bad = daemons.filter(({ health }) => health !== 'up').map(({ labels, lastError }) => `${labels.job}: ${lastError}`);
      if (bad.length || daemons.length !== 6) throw new Error(`${daemons.length} targets; ${bad.join('; ')}`);
      return true;
    }, { timeout: 60_000 });
  });

  test('worker, orchestrator, metadata and PostgreSQL crash while a video is processed, and it becomes ready', async () => {
    const file = await source({ seconds: 24, width: 1280, height: 720 });
    second = await upload(file, '--no-wait');
    const progress = (from) => until(`${from} % of the video`, async () => {
      const video = await stack.video(second.video_id);
      return video.progress_percent >= from || video.state === 'READY';
    }, { timeout: 240_000 });
    await progress(1);
    for (const name of ['transcode-worker', 'orchestrator', 'metadata', 'postgres']) await crash(name);
    const video = await stack.reach(second.video_id, ['READY'], { timeout: 300_000 });
    assert.ok(video.renditions.every(({ state }) => state === 'DONE'), JSON.stringify(video.renditions));
    const end = assertContinuous(await packets(`${stack.edge}/v/${second.video_id}/720p/playlist.m3u8`, 'v'), '720p');
    assert.ok(Math.abs(end - 24) < 0.05, `${end}`);
    // The first one is as it was.
    assert.deepEqual(await play(first.video_id), played);
  });

  test('stopped and started again with its volumes, it has everything', async () => {
    const before = await play(second.video_id);
    await down();
    assert.deepEqual(await containers(), []);
    await up();
    for (const [id, digests] of [[first.video_id, played], [second.video_id, before]]) {
      assert.equal((await stack.video(id)).state, 'READY');
      assert.deepEqual(await play(id), digests);
    }
    assert.ok((await views(first.video_id)) >= 1);
  });

  test('told to stop, every daemon of ours drains and ends with 0 within its grace period', async () => {
    for (const name of ['streaming-gateway', 'upload', 'transcode-worker', 'analytics-ingest', 'metadata', 'orchestrator']) {
      await must(['stop', '--time', '40', container(name)]);
      assert.equal((await inspect(container(name))).State.ExitCode, 0, name);
    }
  });
});
