import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import path from 'node:path';

import { call, grpc, insecure, load } from '../env/grpc.mjs';
import { source } from '../env/media.mjs';
import { root, run } from '../env/stack.mjs';
import { stack } from './stack.mjs';

const daemons = { upload: [1001, 1101], metadata: [1002, 1102], 'streaming-gateway': [1003, 1103], orchestrator: [1005, 1105], 'transcode-worker': [1006, 1106] };
const services = {
  upload: ['vora.upload.v1.UploadService'],
  metadata: ['vora.metadata.v1.VideoService', 'vora.metadata.v1.SourceService', 'vora.metadata.v1.EventService', 'vora.playback.v1.PlaybackService', 'vora.upload.v1.UploadListener'],
  'streaming-gateway': ['vora.playback.v1.GatewayService'],
  orchestrator: ['vora.workflow.v1.WorkflowService', 'vora.workflow.v1.ActivityService', 'externalscaler.ExternalScaler'],
  'transcode-worker': [],
};

before(async () => {
  await stack.up();
  await stack.upload(await source({ seconds: 5, width: 640, height: 360 }));
});

for (const [name, [grpcOffset, adminOffset]] of Object.entries(daemons)) {
  test(`${name} answers health, reflection and its admin endpoints`, async () => {
    const target = `127.0.0.1:${stack.portBase + grpcOffset}`;
    const health = new (load('health.proto').grpc.health.v1.Health)(target, insecure());
    for (const service of ['live', 'ready', '']) assert.equal((await call(health, 'Check', { service })).status, 'SERVING', service);
    await assert.rejects(call(health, 'Check', { service: 'nonsense' }), (error) => error.code === grpc.status.NOT_FOUND);
    health.close();

    const reflection = new (load('reflection.proto').grpc.reflection.v1alpha.ServerReflection)(target, insecure());
    const stream = reflection.ServerReflectionInfo({ deadline: Date.now() + 5000 });
    const listed = new Promise((resolve, reject) => stream.on('data', resolve).on('error', reject));
    stream.write({ list_services: '' });
    const names = (await listed).list_services_response.service.map((s) => s.name);
    stream.end();
    for (const service of ['grpc.health.v1.Health', ...services[name]]) assert.ok(names.includes(service), `${service} is not in ${names}`);
    reflection.close();

    const admin = `http://127.0.0.1:${stack.portBase + adminOffset}`;
    for (const endpoint of ['/livez', '/readyz']) assert.equal((await stack.fetch(admin + endpoint)).status, 200, endpoint);
    const metrics = await (await stack.fetch(`${admin}/metrics`)).text();
    assert.match(metrics, /^vora_build_info\{/m);
    assert.match(metrics, /^# TYPE vora_\w+ (counter|gauge|histogram)$/m);
  });

  test(`${name} explains its settings`, async () => {
    const program = path.join(stack.build, `bin/vora-${name}`);
    const help = await run(program, ['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /VORA_GRPC_LISTEN/);
    const config = await run(program, ['--print-config'], { env: { VORA_DATABASE_URL: 'postgresql://vora:hush-hush@127.0.0.1:1/x', VORA_STORAGE: 'file:///tmp/vora-x', VORA_S3_SECRET_KEY: 'hush-hush' } });
    assert.equal(config.code, 0, config.stderr);
    assert.match(config.stdout, /^VORA_LOG_LEVEL=info$/m);
    assert.doesNotMatch(config.stdout, /hush-hush/);
    if (['upload', 'transcode-worker', 'streaming-gateway'].includes(name)) assert.match(config.stdout, /^VORA_S3_SECRET_KEY=\*\*\*$/m);
    const wrong = await run(program, [], { env: { VORA_LOG_LEVEL: 'loud', VORA_DRAIN_TIMEOUT: 'soon' } });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /VORA_LOG_LEVEL/);
    assert.match(wrong.stderr, /VORA_DRAIN_TIMEOUT/, 'all mistakes at once');
  });
}

test('the contracts are linted', async () => {
  const program = path.join(root, `tests/node_modules/@bufbuild/buf-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}/bin/buf`);
  const lint = await run(program, ['lint', '.'], { cwd: path.join(root, 'proto') });
  assert.equal(lint.code, 0, lint.stdout + lint.stderr);
});

test('videos are served over gRPC as over REST, and watched', async () => {
  const proto = load('vora/metadata/v1/metadata.proto', path.join(root, 'proto'));
  const client = new proto.vora.metadata.v1.VideoService(`127.0.0.1:${stack.portBase + 1002}`, insecure());
  const { videos } = await call(client, 'ListVideos', { page_size: 5 });
  const rest = (await stack.api('GET', '/v1/videos?page_size=5')).json.videos;
  assert.deepEqual(videos.map((v) => v.video_id), rest.map((v) => v.video_id));
  await assert.rejects(call(client, 'GetVideo', { video_id: '00000000000000000000000000000000' }), (error) => error.code === grpc.status.NOT_FOUND);
  await assert.rejects(call(client, 'ListVideos', { page_size: 1000 }), (error) => error.code === grpc.status.INVALID_ARGUMENT && /page_size/.test(error.details));
  {
    const stream = client.WatchVideo({ video_id: videos[0].video_id });
    stream.on('error', () => {});   // the cancel below
    const first = await new Promise((resolve, reject) => stream.once('data', resolve).once('error', reject));
    assert.equal(first.video_id, videos[0].video_id);
    stream.cancel();
  }
  client.close();
});
