// A bucket of others as a source: its files are imported, copied or read where they lie, and it tells of new ones by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readFile } from 'node:fs/promises';

import { PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';

import { source } from '../env/media.mjs';
import { S3Server } from '../env/s3.mjs';
import { sha256File, Stack, until } from '../env/stack.mjs';

const token = 'geheim';
let s3, stack, file, bytes;

before(async () => {
  s3 = await S3Server.start('sources-rgw', 17690);
  const { VORA_S3_ACCESS_KEY: access, VORA_S3_SECRET_KEY: secret } = s3.env;
  const url = (more) => `s3://${s3.bucket}/in?endpoint=http://127.0.0.1:${s3.port}${more}`;
  const keys = Object.fromEntries(['ARCHIVE', 'DIRECT'].flatMap((name) => [[`VORA_SOURCE_${name}_ACCESS_KEY`, access], [`VORA_SOURCE_${name}_SECRET_KEY`, secret]]));
  stack = new Stack('sources', 19080, {
    ...keys, VORA_SOURCES: `archive=${url('&settle=0s')};direct=${url('&import=direct&settle=0s')}`, VORA_SOURCE_ARCHIVE_EVENTS_TOKEN: token,
  });
  await stack.reset();
  file = await source({ seconds: 4, width: 640, height: 360 });
  bytes = await readFile(file);
});
after(async () => {
  await stack?.down();
  await s3?.stop();
});

const put = (key, body = bytes) => s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: key, Body: body }));
const videos = async (query = '') => (await stack.api('GET', `/v1/videos?page_size=200${query}`)).json.videos;

test('an object is copied, or read where it lies; either becomes READY, and nothing is written to its bucket', async () => {
  await put('in/films/a film.mp4');
  const before = await s3.keys();
  const copied = await stack.cli(['--json', 'import', 'films/a film.mp4', '--source', 'archive', '--external-id', 'cms/1', '--label', 'show=news']);
  assert.equal(copied.code, 0, copied.stderr);
  const { video_id: id, external_id: external } = copied.json[0];
  assert.equal(external, 'cms/1');
  assert.equal(await stack.objectSha256(`raw/${id}/original`), await sha256File(file));
  const direct = await stack.cli(['--json', 'import', 'films/a film.mp4', '--source', 'direct']);
  assert.equal(direct.code, 0, direct.stderr);
  assert.equal(direct.json.at(-1).import.copied, false);
  assert.deepEqual((await videos('&label=show%3Dnews')).map((video) => video.video_id), [id]);
  assert.deepEqual(await s3.keys(), before);
});

test('a scan finds what is below the prefix, and nothing else', async () => {
  await put('in/b.mp4');
  await put('in/readme.txt', 'no film');
  await put('out/c.mp4');
  await put('in/folder/', '');
  const scan = await stack.cli(['--json', 'scan', 'archive']);
  assert.equal(scan.code, 0, scan.stderr);
  const { found, registered, skipped, failed } = scan.json.at(-1);
  assert.deepEqual({ found, registered, skipped, failed }, { found: 4, registered: 1, skipped: 3, failed: 0 });
});

// RGW's topics are made by the interface of SNS, which the S3 client does not speak.
async function makeTopic(endpoint) {
  const body = new URLSearchParams({
    Action: 'CreateTopic', Name: 'vora', 'Attributes.entry.1.key': 'push-endpoint', 'Attributes.entry.1.value': endpoint,
  }).toString();
  const credentials = { accessKeyId: s3.env.VORA_S3_ACCESS_KEY, secretAccessKey: s3.env.VORA_S3_SECRET_KEY };
  const signer = new SignatureV4({ credentials, region: 'default', service: 's3', sha256: Sha256 });
  const headers = { host: `127.0.0.1:${s3.port}`, 'content-type': 'application/x-www-form-urlencoded' };
  const signed = await signer.sign(new HttpRequest({ method: 'POST', hostname: '127.0.0.1', port: s3.port, path: '/', headers, body }));
  const response = await fetch(`http://127.0.0.1:${s3.port}/`, { method: 'POST', headers: signed.headers, body });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return /<TopicArn>(.*)<\/TopicArn>/.exec(text)[1];
}

test('the bucket itself tells of a new object, which becomes one video however often it tells', async () => {
  const topic = await makeTopic(`${stack.edge}/v1/sources/archive/events?token=${token}`);
  await s3.client.send(new PutBucketNotificationConfigurationCommand({
    Bucket: s3.bucket, NotificationConfiguration: { TopicConfigurations: [{ Id: 'vora', TopicArn: topic, Events: ['s3:ObjectCreated:*'] }] },
  }));
  await put('in/told.mp4');
  const told = await until('its video', async () => (await videos()).find((video) => video.import.key === 'told.mp4'));
  await put('in/told.mp4');
  await put('out/untold.mp4');
  await stack.reach(told.video_id);
  assert.equal((await videos()).filter((video) => video.import.key === 'told.mp4').length, 1, 'the same bytes are the same file');
  assert.equal((await videos()).filter((video) => video.filename === 'untold.mp4').length, 0);
  const refused = await stack.api('POST', '/v1/sources/archive/events?token=wrong', { Records: [] });
  assert.equal(refused.status, 401);
  const log = JSON.stringify(await stack.logs('metadata'));
  assert.doesNotMatch(log, new RegExp(token), 'the token is in no log');
});
