// The whole stack on each store that the tests can start: a video is uploaded, the upload daemon is killed in the middle of it, it is READY, plays, and is
// deleted without a trace. What the stores do with single requests is asked by object_store_s3_test and the tests of uploads (tests/run.sh stores).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { S3Server } from '../env/s3.mjs';
import { root, run, sha256File, Stack, until } from '../env/stack.mjs';

const seconds = 12;

for (const store of ['versitygw', 'seaweedfs', 'ceph']) {
  describe(store, () => {
    let stack, s3;
    after(async () => {
      await stack?.down(['--wipe']);
      await s3?.stop();
    });

    test('a video is uploaded through a crash, READY, played and deleted', async (t) => {
      if (store !== 'ceph') {
        const built = await run(path.join(root, 'tests/env/stores.sh'), ['build', store], { timeout: 3_600_000 });
        if (built.code === 3) return t.skip(built.stderr.trim());
        assert.equal(built.code, 0, built.stderr);
      }
      s3 = await S3Server.start(`stack-${store}`, 17720, store);
      stack = new Stack(`stores-${store}`, 10480, s3.env);
      await stack.reset();
      const told = (await stack.logs('upload')).find((line) => line.msg === 'object store');
      assert.ok(told?.create_only && told.if_match && told.ranges, `what the store honours is said at the start: ${JSON.stringify(told)}`);

      const file = await source({ seconds });
      const upload = stack.spawnCli(['--json', 'upload', '--max-rate', '2MiB', file]);
      let said = '';
      upload.stdout.on('data', (text) => { said += text; });
      await until('its first bytes', async () => (await s3.keys()).some((key) => key.startsWith('open/')), { every: 20 });
      await stack.kill('upload');
      await stack.start('upload');
      const [code] = await once(upload, 'exit');
      assert.equal(code, 0, said);
      const { video_id: id } = JSON.parse(said.trim().split('\n').at(-1));
      const { upload_id } = await stack.reach(id);
      const storedSha256 = await s3.sha256(`raw/${upload_id}/original`);
      assert.equal(storedSha256, await sha256File(file));
      await assertNothingLostOrDoneTwice(stack, id, file, { frames: seconds * 30, storedSha256 });

      const deleted = await stack.cli(['delete', id]);
      assert.equal(deleted.code, 0, deleted.stderr);
      await until('every object to be gone', async () => (await s3.keys()).length === 0);
      assert.deepEqual(await s3.unfinished(), []);
    });
  });
}
