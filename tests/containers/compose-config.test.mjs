// What the compose files say, without starting anything: pinned images, nothing published beyond this machine, every container confined.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { root, run } from '../env/stack.mjs';

const folder = path.join(root, 'deploy/compose');
const missing = spawnSync('sh', ['-c', 'command -v docker-compose']).status !== 0 && 'docker-compose is not installed';

async function services(files, env = {}) {
  const config = await run('docker-compose', ['--project-directory', folder, ...files.flatMap((file) => ['--file', path.join(folder, file)]), 'config'], { env });
  assert.equal(config.code, 0, config.stderr);
  // docker-compose brings PyYAML with it.
  const { stdout } = await run('python3', ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1])["services"]))', config.stdout]);
  return JSON.parse(stdout);
}
const pinned = /^(docker\.io\/[a-z0-9/-]+:v?\d+\.\d+[.\w-]*(@sha256:[0-9a-f]{64})?|localhost\/vora(-[a-z]+)?:\w+)$/;

for (const [name, files] of [['public images', ['compose.yaml']], ['Debian packages', ['compose.yaml', 'compose.debian.yaml']]]) {
  test(`${name}: every container is confined, limited and watched`, { skip: missing }, async () => {
    const all = await services(files);
    assert.equal(Object.keys(all).length, 13);
    for (const [service, s] of Object.entries(all)) {
      assert.match(s.image, pinned, service);
      assert.equal(s.read_only, true, `${service}: read_only`);
      assert.deepEqual(s.cap_drop, ['ALL'], service);
      assert.ok(s.security_opt.includes('no-new-privileges:true'), service);
      assert.ok(s.mem_limit && s.pids_limit, `${service}: limits`);
      assert.ok(s.healthcheck?.test, `${service}: healthcheck`);
      assert.equal(s.restart, 'unless-stopped', service);
      assert.ok(!s.privileged && !s.network_mode && !s.pid, service);
      for (const port of s.ports ?? []) assert.match(String(port), /^127\.0\.0\.1:/, service);
      for (const [other, { condition }] of Object.entries(s.depends_on ?? {})) assert.equal(condition, 'service_healthy', `${service} -> ${other}`);
    }
    // Time to drain, and to flush after it.
    for (const service of ['upload', 'metadata', 'orchestrator', 'transcode-worker', 'streaming-gateway', 'analytics-ingest', 'amqp']) {
      assert.match(all[service].stop_grace_period, /^(\d{2,3}s|1m)/, service);
      assert.equal(all[service].user, '65532:65532');
      if (service !== 'amqp') assert.ok(all[service].environment.VORA_AUTH, `${service}: VORA_AUTH is said`);   // it lets nobody in
    }
  });
}

test('from Debian packages, no image is taken from a public registry but Grafana\'s, which is left out', { skip: missing }, async () => {
  const all = await services(['compose.yaml', 'compose.debian.yaml']);
  const foreign = Object.entries(all).filter(([, { image }]) => !image.startsWith('localhost/')).map(([service, { profiles }]) => [service, profiles]);
  assert.deepEqual(foreign, [['grafana', ['public-images']]]);
});

test('without a secret nothing starts, and each setting of .env is explained and used', { skip: missing }, async () => {
  const text = await readFile(path.join(folder, '.env'), 'utf8');
  const files = ['compose.yaml', 'compose.debian.yaml', 'compose.two-roots.yaml'];
  const yaml = (await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')))).join('');
  for (const [, name] of text.matchAll(/^([A-Z0-9_]+)=/gm)) {
    if (name !== 'COMPOSE_PROJECT_NAME') assert.ok(yaml.includes(`\${${name}`), `${name} is not used`);
  }
  for (const name of ['VORA_AUTH', 'VORA_FLEET_SECRET', 'VORA_EDGE_SECRET', 'POSTGRES_PASSWORD', 'CLICKHOUSE_PASSWORD', 'S3_SECRET_KEY']) {
    const config = await run('docker-compose', ['--project-directory', folder, '--file', path.join(folder, 'compose.yaml'), 'config'], { env: { [name]: '' } });
    assert.notEqual(config.code, 0, name);
    assert.match(config.stderr, new RegExp(`${name}|set it in .env|say none or jwt`), name);
  }
});

test('every setting of the bridge to a broker can be given', { skip: missing }, async () => {
  const documented = await readFile(path.join(root, 'docs/configuration.md'), 'utf8');
  const names = [...documented.matchAll(/^\| `(VORA_AMQP_\w+)`/gm)].map(([, name]) => name);
  assert.ok(names.length > 5);
  const { amqp } = await services(['compose.yaml'], Object.fromEntries(names.map((name) => [name, `of-${name}`])));
  for (const name of names) assert.equal(amqp.environment[name], `of-${name}`);
});

test('with two roots the gateway is given nothing of the raw one, nor the upload daemon of the processed one', { skip: missing }, async () => {
  const names = ['VORA_STORAGE_RAW', 'S3_RAW_ACCESS_KEY', 'S3_RAW_SECRET_KEY', 'VORA_STORAGE_PROCESSED', 'S3_PROCESSED_ACCESS_KEY', 'S3_PROCESSED_SECRET_KEY'];
  const all = await services(['compose.yaml', 'compose.two-roots.yaml'], Object.fromEntries(names.map((name) => [name, `of-${name}`])));
  const given = (service) => Object.entries(all[service].environment).filter(([name, value]) => /^VORA_(STORAGE|S3_)/.test(name) && value).map(([name]) => name).sort();
  const of = (root) => [`VORA_S3_${root}_ACCESS_KEY`, `VORA_S3_${root}_SECRET_KEY`, `VORA_STORAGE_${root}`];
  assert.deepEqual(given('upload'), of('RAW'));
  assert.deepEqual(given('streaming-gateway'), of('PROCESSED'));
  assert.deepEqual(given('transcode-worker'), [...of('RAW'), ...of('PROCESSED')].sort());
  for (const service of ['metadata', 'orchestrator', 'analytics-ingest']) assert.deepEqual(given(service), [], service);
});
