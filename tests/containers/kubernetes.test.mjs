// The Kubernetes manifests, run: overlays/offline as pods by podman, without a cluster. Upload to playback, a pod that is killed, and a drain
// within the time that the manifests give. What podman does not know is translated in kubernetes-pods.mjs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import YAML from 'yaml';

import { source } from '../env/media.mjs';
import { root, until } from '../env/stack.mjs';
import { must, podman, unusable } from './engine.mjs';
import { debian, vora } from './images.mjs';
import { secretsOf, toPods } from './kubernetes-pods.mjs';
import { podOf } from './policy.mjs';

const folder = path.join(root, 'deploy/kubernetes');
const network = `vora-kubernetes-${process.pid}`;
let scratch, pods;

const read = (text) => YAML.parseAllDocuments(text).map((d) => d.toJS()).filter(Boolean);
const reason = await unusable();

const container = (name) => `${name}-${podOf(pods.find((p) => p.name === name).workload).containers[0].name}`;
const inspect = async (what) => JSON.parse(await must(['inspect', what]))[0];
async function address(name) {
  const pod = JSON.parse(await must(['pod', 'inspect', name]));
  return Object.values((await inspect(pod.InfraContainerID)).NetworkSettings.Networks)[0].IPAddress;
}

const health = grpc.loadPackageDefinition(loader.loadSync(path.join(root, 'tests/env/proto/health.proto'), { keepCase: true, enums: String })).grpc.health.v1.Health;

// Asks as the kubelet would; rejects when the answer is no.
async function ask(name, probe) {
  const ports = podOf(pods.find((p) => p.name === name).workload).containers[0].ports;
  const number = (port) => (typeof port === 'number' ? port : ports.find((p) => p.name === port).containerPort);
  if (probe.exec) return must(['exec', container(name), ...probe.exec.command]);
  const host = await address(name);
  if (probe.grpc) {
    const client = new health(`${host}:${probe.grpc.port}`, grpc.credentials.createInsecure());
    try {
      const answer = await new Promise((resolve, reject) => client.Check({ service: probe.grpc.service }, { deadline: Date.now() + 5000 }, (error, reply) => (error ? reject(error) : resolve(reply))));
      assert.equal(answer.status, 'SERVING');
    } finally {
      client.close();
    }
    return undefined;
  }
  if (probe.httpGet) {
    const response = await fetch(`http://${host}:${number(probe.httpGet.port)}${probe.httpGet.path}`, { signal: AbortSignal.timeout(5000) });
    return assert.ok(response.ok, `${response.status}`);
  }
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: number(probe.tcpSocket.port), timeout: 5000 }, () => resolve(socket.destroy()));
    socket.on('error', reject).on('timeout', () => reject(new Error('no answer')));
  });
}

async function start({ name, documents, workload }) {
  const file = path.join(scratch, `${name}.yaml`);
  await writeFile(file, documents.map((d) => YAML.stringify(d)).join('---\n'));
  await must(['play', 'kube', '--network', network, file]);
  const [main] = podOf(workload).containers;
  for (const kind of ['startupProbe', 'readinessProbe']) {
    await until(`${name}: ${kind}`, () => ask(name, main[kind]).then(() => true, () => false), { timeout: 180_000, every: 200 }).catch(async (error) => {
      const { stdout, stderr } = await podman(['logs', '--tail', '20', container(name)]);
      throw new Error(`${error.message}\n${stdout}${stderr}`);
    });
  }
}

if (reason) test('the manifests, run by podman', { skip: reason }, () => {});
else describe('the manifests, run by podman', () => {
  before(async () => {
    scratch = await mkdtemp(path.join(os.tmpdir(), 'vora-kubernetes-'));
    // VORA_IMAGE: one that is there already, as in deploy/compose.
    const image = process.env.VORA_IMAGE ?? 'localhost/vora:latest';
    if (!process.env.VORA_IMAGE) await vora({ tag: image });
    for (const name of ['postgres', 'clickhouse', 'varnish', 'ceph']) await debian(name);
    const rendered = execFileSync('kubectl', ['kustomize', path.join(folder, 'overlays/offline')], { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] });
    const secrets = execFileSync(path.join(folder, 'overlays/dev/secrets.sh'), ['--print'], { encoding: 'utf8' });
    pods = toPods(read(rendered.replaceAll('localhost/vora:latest', image)), secretsOf(read(secrets)));
    await must(['network', 'create', network]);
    // Stores first, the edge last: it asks for its origins' addresses when it starts. Daemons wait for each other.
    const stores = pods.filter((p) => !p.name.startsWith('vora-')), edge = pods.filter((p) => p.name === 'vora-edge');
    for (const together of [stores, pods.filter((p) => !stores.includes(p) && !edge.includes(p)), edge]) await Promise.all(together.map(start));
  }, { timeout: 2_400_000 });

  after(async () => {
    const volumes = (pods ?? []).flatMap(({ name, documents }) => [`${name}-data`, `${name}-spool`, ...documents.filter((d) => d.kind === 'ConfigMap').map((d) => d.metadata.name)]);
    for (const { name } of [...(pods ?? [])].reverse()) await podman(['pod', 'rm', '--force', '--time', '5', name]);
    for (const volume of new Set(volumes)) await podman(['volume', 'rm', '--force', volume]);
    await podman(['network', 'rm', '--force', network]);
    await rm(scratch, { recursive: true, force: true });
  }, { timeout: 300_000 });

  test('every probe of every container is answered', async () => {
    for (const { name, workload } of pods) {
      for (const kind of ['startupProbe', 'livenessProbe', 'readinessProbe']) await assert.doesNotReject(ask(name, podOf(workload).containers[0][kind]), `${name}: ${kind}`);
    }
  });

  test('containers run as the manifests say: not root, nothing to write to, no capabilities', async () => {
    for (const { name } of pods) {
      const { HostConfig, Config, EffectiveCaps } = await inspect(container(name));
      assert.equal(HostConfig.ReadonlyRootfs, true, name);
      assert.match(Config.User, /^[1-9]\d*(:\d+)?$/, name);
      assert.deepEqual(EffectiveCaps ?? [], [], name);
      assert.ok(HostConfig.Memory > 0, name);
    }
  });

  let video, playlist;
  test('an upload becomes a video that plays through the edge', { timeout: 300_000 }, async () => {
    const [upload, edge] = [`http://${await address('vora-upload')}:8081`, `http://${await address('vora-edge')}:8080`];
    const bytes = await readFile(await source({ seconds: 8, width: 640, height: 360 }));
    const created = await fetch(`${upload}/files/`, { method: 'POST', headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': String(bytes.length) } });
    assert.equal(created.status, 201, await created.text());
    const id = created.headers.get('location').split('/').at(-1);
    const sent = await fetch(`${upload}/files/${id}`, { method: 'PATCH', headers: { 'Tus-Resumable': '1.0.0', 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' }, body: bytes });
    assert.equal(sent.status, 204, await sent.text());
    const made = await fetch(`${edge}/v1/videos`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ upload_id: id }) });
    assert.ok(made.ok, `${made.status}`);
    video = (await made.json()).video_id;
    await until('READY', async () => {
      const { state, failure } = await (await fetch(`${edge}/v1/videos/${video}`)).json();
      assert.notEqual(state.replace('VIDEO_STATE_', ''), 'FAILED', failure);
      return state.replace('VIDEO_STATE_', '') === 'READY';
    }, { timeout: 240_000 });
    const master = await fetch(`${edge}/v/${video}/master.m3u8`);
    assert.equal(master.status, 200);
    playlist = (await master.text()).split('\n').find((line) => line && !line.startsWith('#'));
    const media = await (await fetch(new URL(playlist, `${edge}/v/${video}/`))).text();
    const segment = new URL(media.split('\n').find((line) => line && !line.startsWith('#')), new URL(playlist, `${edge}/v/${video}/`));
    const first = await fetch(segment);
    assert.equal(first.status, 200);
    assert.ok((await first.arrayBuffer()).byteLength > 1000);
    const again = await fetch(segment);
    assert.equal(again.headers.get('x-cache'), 'HIT');
    await again.arrayBuffer();
  });

  test('an event goes through the edge and the spool into ClickHouse', async () => {
    const metric = async (name) => {
      const text = await (await fetch(`http://${await address('vora-analytics-ingest')}:9184/metrics`)).text();
      return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
    };
    const event = { video_id: video, session_id: 's1', sequence: 1, type: 'play' };
    const answer = await fetch(`http://${await address('vora-edge')}:8080/e`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ events: [event] }) });
    assert.equal(answer.status, 202, await answer.text());
    assert.ok((await metric('vora_spool_appended_rows_total')) >= 1);
    await until('the spool to be empty', async () => (await metric('vora_spool_rows')) === 0, { timeout: 60_000 });
  });

  test('a pod that is killed and made anew finds everything again', { timeout: 300_000 }, async () => {
    for (const name of ['postgres', 'vora-orchestrator', 'vora-metadata']) {
      await must(['kill', '--signal', 'KILL', container(name)]);
      await must(['pod', 'rm', '--force', '--time', '0', name]);
      await start(pods.find((p) => p.name === name));
    }
    const edge = `http://${await address('vora-edge')}:8080`;
    // Varnish knows the address that metadata had; a Service's does not change.
    const metadata = `http://${await address('vora-metadata')}:8082`;
    const { state } = await (await fetch(`${metadata}/v1/videos/${video}`)).json();
    assert.match(state, /READY/);
    assert.equal((await fetch(`${edge}/v/${video}/${playlist}`)).status, 200);
  });

  test('every daemon drains within its grace period, and ends with 0', { timeout: 300_000 }, async () => {
    for (const { name, workload } of [...pods].reverse().filter((p) => p.name.startsWith('vora-') && p.name !== 'vora-edge')) {
      const grace = podOf(workload).terminationGracePeriodSeconds;
      const began = Date.now();
      await must(['stop', '--time', String(grace), container(name)]);
      const { State } = await inspect(container(name));
      assert.equal(State.ExitCode, 0, `${name} after ${(Date.now() - began) / 1000} s`);
      assert.ok(Date.now() - began < grace * 1000, name);
    }
  });
});
