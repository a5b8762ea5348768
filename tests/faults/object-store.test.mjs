// The whole stack on a real S3 server that goes away for 20 s while a video is processed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { root, run, sha256File, Stack, until } from '../env/stack.mjs';

const home = path.join(process.env.VORA_HOME ?? path.join(root, '.vora/tests'), 'faults-rgw');
const script = path.join(root, 'tests/env/ceph.sh');
const seconds = 24;
let stack, s3, bucket, file;

before(async () => {
  const started = await run(script, ['start', home, '17490']);
  assert.equal(started.code, 0, started.stderr);
  const env = Object.fromEntries([...started.stdout.matchAll(/^export (\w+)=['"]?([^'"\n]*)['"]?$/gm)].map(([, k, v]) => [k, v]));
  const url = new URL(env.VORA_TEST_S3);
  bucket = url.hostname;
  const keys = { accessKeyId: env.VORA_S3_ACCESS_KEY, secretAccessKey: env.VORA_S3_SECRET_KEY };
  s3 = new S3Client({ endpoint: url.searchParams.get('endpoint'), region: 'us-east-1', forcePathStyle: true, credentials: keys });
  stack = new Stack('faults-s3', 23080, { VORA_STORAGE: env.VORA_TEST_S3, VORA_S3_ACCESS_KEY: keys.accessKeyId, VORA_S3_SECRET_KEY: keys.secretAccessKey });
  await stack.reset();
  file = await source({ seconds });
});
after(async () => {
  await stack?.down();
  await run(script, ['stop', home]);
});

test('the object store is away for 20 s: the work waits and ends READY', async () => {
  const created = await stack.upload(file);
  await until('20 % of 720p', async () => ((await stack.video(created.video_id)).renditions.find((r) => r.name === '720p')?.progress_percent ?? 0) >= 20, { every: 50 });
  const { stdout } = await run('pgrep', ['-f', `radosgw.*${home}`]);
  const pids = stdout.trim().split('\n').filter(Boolean).map(Number);
  assert.ok(pids.length > 0, 'the S3 server runs');
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await pause(20_000);   // the length of the fault, not a wait for something
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  const video = await stack.reach(created.video_id);
  const readSource = async () => {
    const hash = createHash('sha256');
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `raw/${video.upload_id}/original` }));
    for await (const block of Body) hash.update(block);
    return hash.digest('hex');
  };
  await assertNothingLostOrDoneTwice(stack, created.video_id, file, { frames: seconds * 30, storedSha256: await readSource() });
  assert.equal(await readSource(), await sha256File(file));
});
