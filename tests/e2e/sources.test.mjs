// A bucket of others as a source: its files are imported, copied or read where they lie, and it tells of new ones by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readFile } from 'node:fs/promises';

import { PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';

import { launch, openPage } from '../env/browser.mjs';
import { call, grpc, insecure, load } from '../env/grpc.mjs';
import { source } from '../env/media.mjs';
import { S3Server } from '../env/s3.mjs';
import { root, sha256File, Stack, until } from '../env/stack.mjs';

const token = 'geheim';
let s3, stack, file, bytes, browser;

before(async () => {
  s3 = await S3Server.start('sources-rgw', 17690);
  const { VORA_S3_ACCESS_KEY: access, VORA_S3_SECRET_KEY: secret } = s3.env;
  const url = (more) => `s3://${s3.bucket}/in?endpoint=http://127.0.0.1:${s3.port}${more}`;
  const keys = Object.fromEntries(['ARCHIVE', 'DIRECT'].flatMap((name) => [[`VORA_SOURCE_${name}_ACCESS_KEY`, access], [`VORA_SOURCE_${name}_SECRET_KEY`, secret]]));
  stack = new Stack('sources', 29380, {
    ...keys, VORA_SOURCES: `archive=${url('&settle=0s')};direct=${url('&import=direct&settle=0s')}`, VORA_SOURCE_ARCHIVE_EVENTS_TOKEN: token,
  });
  await stack.reset();
  file = await source({ seconds: 4, width: 640, height: 360 });
  bytes = await readFile(file);
  browser = await launch();
});
after(async () => {
  await browser?.close();
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

test('over gRPC the same is asked for, found and refused', async () => {
  const target = `127.0.0.1:${stack.portBase + 1002}`;
  const { VideoService } = load('vora/metadata/v1/metadata.proto').vora.metadata.v1;
  const { SourceService } = load('vora/metadata/v1/sources.proto').vora.metadata.v1;
  const videoService = new VideoService(target, insecure()), sourceService = new SourceService(target, insecure());
  await put('in/grpc.mp4', Buffer.concat([bytes, Buffer.alloc(1)]));
  const request = { source: { name: 'archive', key: 'grpc.mp4' }, external_id: 'cms/grpc', labels: { by: 'grpc' }, request_id: 'r1' };
  const made = await call(videoService, 'ImportVideo', request);
  assert.equal(made.import.key, 'grpc.mp4');
  assert.equal((await call(videoService, 'ImportVideo', request)).video_id, made.video_id);
  const { videos: found } = await call(videoService, 'ListVideos', { labels: { by: 'grpc' } });
  assert.deepEqual(found.map((video) => video.video_id), [made.video_id]);
  await assert.rejects(call(videoService, 'ImportVideo', { source: { name: 'archive', key: 'none.mp4' } }), { code: grpc.status.NOT_FOUND });
  await assert.rejects(call(videoService, 'ImportVideo', { source: { name: 'archive' } }), { code: grpc.status.INVALID_ARGUMENT });
  await assert.rejects(call(videoService, 'ImportVideo', { ...request, source: { url: 'http://127.0.0.1/a' }, request_id: '' }), { code: grpc.status.INVALID_ARGUMENT });
  const { sources } = await call(sourceService, 'ListSources', {});
  assert.deepEqual(sources.map(({ name, takes_events: told }) => [name, told]), [['archive', true], ['direct', false]]);
  const scan = await call(sourceService, 'ScanSource', { name: 'archive' });
  await until('its end', async () => (await call(sourceService, 'GetScan', { name: 'archive', scan_id: scan.scan_id })).state === 'SCAN_STATE_DONE');
  await stack.reach(made.video_id);
  videoService.close();
  sourceService.close();
});

test('the page imports a file, scans a source, and shows what came of it', async () => {
  await put('in/page.mp4', Buffer.concat([bytes, Buffer.alloc(2)]));
  await put('in/empty.mov', '');
  const axe = await readFile(`${root}/tests/node_modules/axe-core/axe.min.js`, 'utf8');
  const { page, errors } = await openPage(browser, `${stack.edge}/import`, { viewport: { width: 400, height: 900 } });
  const by = (id) => page.getByTestId(id);
  await by('source-archive').waitFor();
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((violation) => violation.id), []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it fits a phone');
  await by('source-archive').getByTestId('scan').click();
  const archive = by('source-archive');
  // The scan before this one is shown until this one has begun.
  await until('the scan to find it', async () => /1 failed/.test(await archive.getByTestId('scan-failed').innerText()) && (await archive.getByTestId('scan-result').getAttribute('data-state')) === 'DONE');
  await by('source-archive').getByText('What failed').click();
  await until('the file that failed', async () => /empty\.mov: the file is empty/.test(await by('failed-files').innerText()));
  await by('import-from').selectOption('direct');
  await by('import-place').fill('none.mp4');
  await by('import-submit').click();
  await until('what is wrong', async () => /no such file/.test(await by('import-problem').innerText()));
  await by('import-place').fill('page.mp4');
  await page.getByText('Title, external id and labels').click();
  await by('import-title').fill('From the page');
  await by('import-labels').fill('by=page');
  await by('import-submit').click();
  await by('video-page').waitFor();
  const id = page.url().split('/').at(-1);
  const video = await stack.reach(id);
  assert.equal(video.title, 'From the page');
  await until('its label', async () => /by=page/.test(await by('labels').innerText()));
  assert.match(await by('source').innerText(), /direct: page\.mp4/);
  await by('labels').getByText('by=page').click();
  await by('label-filter').waitFor();
  await until('only it', async () => (await by('videos').locator('li').count()) === 1);
  assert.deepEqual(errors.filter((error) => !/404/.test(error)), []);   // the browser tells of the refused request by itself
  await page.close();
});
