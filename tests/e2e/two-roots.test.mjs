// Uploads in one place, what is made of them in another: two folders, and two buckets whose users cannot touch each other's.
import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';

import { packets, source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { S3Server } from '../env/s3.mjs';
import { root, run, sha256File, Stack, until } from '../env/stack.mjs';

const seconds = 12;

// What a part was given of stores and their keys.
async function given(stack, part) {
  const text = await readFile(`/proc/${await stack.pid(part)}/environ`, 'utf8');
  const all = text.split('\0').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  return Object.fromEntries(all.filter(([name, value]) => /^(VORA_STORAGE|VORA_S3_|AWS_ACCESS|AWS_SECRET|AWS_SESSION)/.test(name) && value));
}

describe('two folders', () => {
  const stack = new Stack('two-folders', 10480);
  const restored = new Stack('two-folders-restored', 13280);
  const roots = (home) => ({ VORA_STORAGE_RAW: `file://${home}/uploads`, VORA_STORAGE_PROCESSED: `file://${home}/delivered` });
  const backup = `${stack.home}-copy`;
  for (const one of [stack, restored]) Object.assign(one.env, roots(one.home));
  after(async () => {
    await stack.down(['--wipe']);
    await restored.down(['--wipe']);
    await rm(backup, { recursive: true, force: true });
  });
  const folders = async (one, name) => (await readdir(path.join(one.home, name))).filter((entry) => !entry.startsWith('.') && entry !== 'probe').sort();
  const original = (one, upload) => path.join(one.home, 'uploads/raw', upload, 'original@');

  test('a video is made from the one into the other, plays, is backed up from both, and deleted from both', async () => {
    await stack.reset();
    const file = await source({ seconds });
    const { video_id: id } = await stack.upload(file);
    const { upload_id: upload } = await stack.reach(id);
    const storedSha256 = await sha256File(original(stack, upload), (await readFile(file)).length);
    await assertNothingLostOrDoneTwice(stack, id, file, { frames: seconds * 30, storedSha256 });
    assert.deepEqual((await folders(stack, 'uploads')).filter((name) => name === 'processed'), [], 'nothing that was made lies with the uploads');
    assert.deepEqual(await folders(stack, 'delivered'), ['processed']);
    assert.deepEqual(Object.keys(await given(stack, 'streaming-gateway')), ['VORA_STORAGE_PROCESSED']);
    assert.deepEqual(Object.keys(await given(stack, 'upload')), ['VORA_STORAGE_RAW']);

    const copied = await run(path.join(root, 'deploy/local/backup.sh'), [backup], { env: stack.env });
    assert.equal(copied.code, 0, copied.stderr);
    const { code, stderr } = await stack.cli(['delete', id]);
    assert.equal(code, 0, stderr);
    await until('both folders to be empty of it', async () => {
      const left = [...(await readdir(path.join(stack.home, 'uploads/raw')).catch(() => [])), ...(await readdir(path.join(stack.home, 'delivered/processed')).catch(() => []))];
      return left.filter((name) => name === id || name === upload).length === 0;
    });
    await stack.down(['--wipe']);

    await restored.down(['--wipe']);
    const back = await run(path.join(root, 'deploy/local/restore.sh'), [backup], { env: restored.env });
    assert.equal(back.code, 0, `${back.stdout}\n${back.stderr}`);
    await restored.up();
    assert.equal(await sha256File(original(restored, upload), (await readFile(file)).length), storedSha256);
    assert.equal((await packets(`${restored.edge}/v/${id}/720p/playlist.m3u8`, 'v')).length, seconds * 30);
    await restored.down(['--wipe']);
  });
});

describe('two buckets', () => {
  let stack, s3;
  after(async () => {
    await stack?.down(['--wipe']);
    await s3?.stop();
  });

  test('the gateway plays with keys that can read no upload', async () => {
    s3 = await S3Server.start('two-buckets-rgw', 17700);
    const raw = await s3.user('uploads'), processed = await s3.user('delivered');
    stack = new Stack('two-buckets', 11880, {
      VORA_STORAGE_RAW: raw.url, VORA_S3_RAW_ACCESS_KEY: raw.accessKey, VORA_S3_RAW_SECRET_KEY: raw.secretKey,
      VORA_STORAGE_PROCESSED: processed.url, VORA_S3_PROCESSED_ACCESS_KEY: processed.accessKey, VORA_S3_PROCESSED_SECRET_KEY: processed.secretKey,
      VORA_S3_ACCESS_KEY: 'of-nobody', VORA_S3_SECRET_KEY: 'of-nobody',   // both roots have keys of their own: these are seen by no daemon
    });
    await stack.reset();
    const file = await source({ seconds });
    const { video_id: id } = await stack.upload(file);
    const { upload_id: upload } = await stack.reach(id);
    const Key = `raw/${upload}/original`;
    const seen = await (await s3.as(raw).send(new GetObjectCommand({ Bucket: 'uploads', Key }))).Body.transformToByteArray();
    assert.ok(Buffer.from(seen).equals(await readFile(file)));
    await assertNothingLostOrDoneTwice(stack, id, file, { frames: seconds * 30, storedSha256: await sha256File(file) });

    assert.deepEqual(await given(stack, 'streaming-gateway'), {
      VORA_STORAGE_PROCESSED: processed.url, VORA_S3_PROCESSED_ACCESS_KEY: processed.accessKey, VORA_S3_PROCESSED_SECRET_KEY: processed.secretKey,
    });
    await assert.rejects(s3.as(processed).send(new GetObjectCommand({ Bucket: 'uploads', Key })), { name: 'AccessDenied' });
    await assert.rejects(s3.as(processed).send(new ListObjectsV2Command({ Bucket: 'uploads' })), { name: 'AccessDenied' });

    const { code, stderr } = await stack.cli(['delete', id]);
    assert.equal(code, 0, stderr);
    for (const [user, Bucket] of [[raw, 'uploads'], [processed, 'delivered']]) {
      await until(`${Bucket} to be empty`, async () => ((await s3.as(user).send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).length === 0);
    }
  });
});
